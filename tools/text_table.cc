#include "tools/text_table.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace firn::tools {
namespace {

constexpr const char* kBold = "\033[1m";
constexpr const char* kReset = "\033[0m";
constexpr std::string_view kGap = "  ";

const char* ColourOf(TextTable::Mark mark) {
  switch (mark) {
    case TextTable::Mark::kGood:
      return "\033[32m";
    case TextTable::Mark::kBad:
      return "\033[1;31m";
    case TextTable::Mark::kOdd:
      return "\033[33m";
    case TextTable::Mark::kFaint:
      return "\033[2m";
    case TextTable::Mark::kPlain:
      break;
  }
  return nullptr;
}

std::string Coloured(const char* colour, const std::string& text) { return colour + text + kReset; }

std::vector<TextTable::Cell> Unmarked(std::vector<std::string> texts) {
  std::vector<TextTable::Cell> cells;
  for (std::string& text : texts) cells.push_back({std::move(text)});
  return cells;
}

}  // namespace

void TextTable::AddSection(std::vector<std::string> titles) {
  lines_.push_back({Unmarked(std::move(titles)), true});
}

void TextTable::AddRow(std::vector<std::string> cells, Mark mark) {
  AddMarkedRow(Unmarked(std::move(cells)));
  lines_.back().cells.back().mark = mark;
}

void TextTable::AddMarkedRow(std::vector<Cell> cells) {
  lines_.push_back({std::move(cells), false});
}

std::vector<size_t> TextTable::ColumnWidths() const {
  std::vector<size_t> widths;
  for (const Line& line : lines_) {
    widths.resize(std::max(widths.size(), line.cells.size()));
    for (size_t i = 0; i < line.cells.size(); ++i) {
      widths[i] = std::max(widths[i], line.cells[i].text.size());
    }
  }
  return widths;
}

size_t TextTable::Width() const {
  size_t total = 0;
  for (const size_t width : ColumnWidths()) total += (total == 0 ? 0 : kGap.size()) + width;
  return total;
}

std::string TextTable::Render(bool in_colour) const {
  const std::vector<size_t> widths = ColumnWidths();
  std::string out;
  bool after_title = true;
  for (const Line& line : lines_) {
    if (line.is_title && !after_title) out += '\n';
    after_title = line.is_title;
    std::string text;
    for (size_t i = 0; i < line.cells.size(); ++i) {
      const Cell& cell = line.cells[i];
      const char* const colour = in_colour && !line.is_title ? ColourOf(cell.mark) : nullptr;
      const std::string shown = colour == nullptr ? cell.text : Coloured(colour, cell.text);
      const std::string padding(widths[i] - cell.text.size(), ' ');
      if (i > 0) text += kGap;
      text += i == 0 ? shown + padding : padding + shown;
    }
    // Only plain text can end in blanks.
    text.erase(text.find_last_not_of(' ') + 1);
    out += in_colour && line.is_title ? Coloured(kBold, text) : text;
    out += '\n';
  }
  return out;
}

}  // namespace firn::tools
