// A table of text with aligned columns.
#ifndef FIRN_TOOLS_TEXT_TABLE_H_
#define FIRN_TOOLS_TEXT_TABLE_H_

#include <cstddef>
#include <string>
#include <vector>

namespace firn::tools {

// A TextTable lines up rows of cells for a fixed-width font.
//
// The first column is flush left, the others flush right. Sections share their column
// widths, so one table can show several small ones below each other.
//
// Thread-safety: one thread at a time.
class TextTable {
 public:
  enum class Mark { kPlain, kGood, kBad, kOdd, kFaint };
  struct Cell {
    std::string text;
    Mark mark = Mark::kPlain;
  };

  // A heading: titles of the columns that follow; several in a row are one of several lines.
  void AddSection(std::vector<std::string> titles);
  // `mark` colours the last cell.
  void AddRow(std::vector<std::string> cells, Mark mark = Mark::kPlain);
  // Each cell in a colour of its own.
  void AddMarkedRow(std::vector<Cell> cells);
  // The columns that Render() takes on a terminal.
  size_t Width() const;

  std::string Render(bool in_colour) const;

 private:
  struct Line {
    std::vector<Cell> cells;
    bool is_title;
  };
  std::vector<size_t> ColumnWidths() const;

  std::vector<Line> lines_;
};

}  // namespace firn::tools

#endif  // FIRN_TOOLS_TEXT_TABLE_H_
