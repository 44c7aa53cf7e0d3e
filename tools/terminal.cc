#include "tools/terminal.h"

#include <unistd.h>

#include <cstdlib>
#include <string_view>
#include <utility>

#include "tools/human_format.h"

namespace firn::tools {
namespace {

constexpr auto kFirstDrawAfter = std::chrono::milliseconds(150);
constexpr auto kDrawEvery = std::chrono::milliseconds(100);

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

ProgressLine::ProgressLine() : is_terminal_(IsTerminal(stderr)) {}

void ProgressLine::Begin(std::string what) {
  End();
  what_ = std::move(what);
  next_draw_ = std::chrono::steady_clock::now() + kFirstDrawAfter;
}

void ProgressLine::Show(uint64_t done, uint64_t total) {
  if (!is_terminal_) return;
  const auto now = std::chrono::steady_clock::now();
  if (now < next_draw_) return;
  next_draw_ = now + kDrawEvery;
  is_drawn_ = true;
  std::fprintf(stderr, "\r\033[K%s ... %s", what_.c_str(), WithCommas(done).c_str());
  if (total != 0) std::fprintf(stderr, " of %s", WithCommas(total).c_str());
  std::fflush(stderr);
}

void ProgressLine::End() {
  if (!is_drawn_) return;
  is_drawn_ = false;
  std::fputs("\r\033[K", stderr);
  std::fflush(stderr);
}

}  // namespace firn::tools
