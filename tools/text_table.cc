#include "tools/text_table.h"

#include <algorithm>
#include <utility>

namespace firn::tools {
namespace {

constexpr const char* kBold = "\033[1m";
constexpr const char* kGreen = "\033[32m";
constexpr const char* kRed = "\033[1;31m";
constexpr const char* kReset = "\033[0m";

std::string Coloured(const char* colour, const std::string& text) { return colour + text + kReset; }

}  // namespace

void TextTable::AddSection(std::vector<std::string> titles) {
  lines_.push_back({std::move(titles), Mark::kPlain, true});
}

void TextTable::AddRow(std::vector<std::string> cells, Mark mark) {
  lines_.push_back({std::move(cells), mark, false});
}

std::vector<size_t> TextTable::ColumnWidths() const {
  std::vector<size_t> widths;
  for (const Line& line : lines_) {
    widths.resize(std::max(widths.size(), line.cells.size()));
    for (size_t i = 0; i < line.cells.size(); ++i) {
      widths[i] = std::max(widths[i], line.cells[i].size());
    }
  }
  return widths;
}

std::string TextTable::Render(bool in_colour) const {
  const std::vector<size_t> widths = ColumnWidths();
  std::string out;
  for (const Line& line : lines_) {
    if (line.is_title && &line != &lines_.front()) out += '\n';
    std::string text;  // Without the last cell, which may be coloured on its own.
    for (size_t i = 0; i + 1 < line.cells.size(); ++i) {
      const std::string padding(widths[i] - line.cells[i].size(), ' ');
      text += i == 0 ? line.cells[i] + padding : "  " + padding + line.cells[i];
    }
    const size_t last = line.cells.size() - 1;
    if (last > 0) text += "  " + std::string(widths[last] - line.cells[last].size(), ' ');
    if (!in_colour) {
      text += line.cells[last];
    } else if (line.is_title) {
      text = Coloured(kBold, text + line.cells[last]);
    } else if (line.mark == Mark::kPlain) {
      text += line.cells[last];
    } else {
      text += Coloured(line.mark == Mark::kGood ? kGreen : kRed, line.cells[last]);
    }
    // Only plain text can end in blanks.
    out += text.erase(text.find_last_not_of(' ') + 1);
    out += '\n';
  }
  return out;
}

}  // namespace firn::tools
