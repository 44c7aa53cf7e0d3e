#include "tools/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <string_view>
#include <utility>

#include "tools/human_format.h"

namespace firn::tools {
namespace {

constexpr auto kFirstDrawAfter = std::chrono::milliseconds(150);
constexpr auto kDrawEvery = std::chrono::milliseconds(100);
constexpr size_t kBarWidth = 20;

bool IsTerminal(std::FILE* stream) {
  const char* term = std::getenv("TERM");
  const bool is_dumb = term != nullptr && std::string_view(term) == "dumb";
  return isatty(fileno(stream)) != 0 && !is_dumb;
}

}  // namespace

bool WantsColour(std::FILE* stream) {
  const char* no_color = std::getenv("NO_COLOR");
  return IsTerminal(stream) && (no_color == nullptr || *no_color == '\0');
}

size_t ColumnsOf(std::FILE* stream) {
  winsize size = {};
  const bool known = IsTerminal(stream) && ioctl(fileno(stream), TIOCGWINSZ, &size) == 0;
  return known && size.ws_col > 0 ? size.ws_col : std::numeric_limits<size_t>::max();
}

ProgressLine::ProgressLine() : is_terminal_(IsTerminal(stderr)) {}

void ProgressLine::Begin(std::string what, ProgressUnit unit) {
  End();
  what_ = std::move(what);
  unit_ = unit;
  began_ = std::chrono::steady_clock::now();
  next_draw_ = began_ + kFirstDrawAfter;
}

void ProgressLine::Show(uint64_t done, uint64_t total) {
  if (!is_terminal_) return;
  const auto now = std::chrono::steady_clock::now();
  if (now < next_draw_) return;
  next_draw_ = now + kDrawEvery;
  is_drawn_ = true;
  const double seconds = std::chrono::duration<double>(now - began_).count();
  const std::string bar = total == 0 ? "..." : "[" + BarText(done, total, kBarWidth) + "]";
  std::fprintf(stderr, "\r\033[K%s %s %s", what_.c_str(), bar.c_str(),
               ProgressText(unit_, done, total, seconds).c_str());
  std::fflush(stderr);
}

std::string BarText(uint64_t done, uint64_t total, size_t width) {
  const double share = static_cast<double>(std::min(done, total)) / static_cast<double>(total);
  const size_t filled = static_cast<size_t>(share * static_cast<double>(width));
  return std::string(filled, '#') + std::string(width - filled, '.');
}

std::string ProgressText(ProgressUnit unit, uint64_t done, uint64_t total, double seconds) {
  const auto amount = [unit](uint64_t number) {
    return unit == ProgressUnit::kBytes ? BytesText(number) : WithCommas(number);
  };
  std::string text = amount(done);
  if (total != 0) text += " of " + amount(total);
  if (done == 0 || seconds <= 0) return text;
  const double rate = static_cast<double>(done) / seconds;
  text += ", " + (unit == ProgressUnit::kBytes ? BytesText(static_cast<uint64_t>(rate)) + "/s"
                                               : RateText(done, seconds));
  if (total > done) text += ", " + SecondsText(static_cast<double>(total - done) / rate) + " left";
  return text;
}

void ProgressLine::End() {
  if (!is_drawn_) return;
  is_drawn_ = false;
  std::fputs("\r\033[K", stderr);
  std::fflush(stderr);
}

}  // namespace firn::tools
