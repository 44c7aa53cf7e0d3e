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
  enum class Mark { kPlain, kGood, kBad };

  // A heading: titles of the columns that follow.
  void AddSection(std::vector<std::string> titles);
  // `mark` colours the last cell.
  void AddRow(std::vector<std::string> cells, Mark mark = Mark::kPlain);

  std::string Render(bool in_colour) const;

 private:
  struct Line {
    std::vector<std::string> cells;
    Mark mark;
    bool is_title;
  };
  std::vector<size_t> ColumnWidths() const;

  std::vector<Line> lines_;
};

}  // namespace firn::tools

#endif  // FIRN_TOOLS_TEXT_TABLE_H_
