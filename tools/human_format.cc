#include "tools/human_format.h"

#include <cmath>

#include "absl/strings/str_format.h"

namespace firn::tools {
namespace {

// Three digits that matter: "1.24", "12.4", "124".
std::string ThreeDigits(double value) {
  const int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
  return absl::StrFormat("%.*f", decimals, value);
}

}  // namespace

std::string WithCommas(uint64_t number) {
  std::string text = std::to_string(number);
  for (size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, 1, ',');
  return text;
}

std::string BytesText(uint64_t bytes) {
  if (bytes < 1024) return absl::StrFormat("%d B", bytes);
  static constexpr const char* kUnits[] = {"KiB", "MiB", "GiB", "TiB"};
  double value = static_cast<double>(bytes) / 1024;
  size_t unit = 0;
  for (; value >= 999.5 && unit < 3; ++unit) value /= 1024;
  return absl::StrFormat("%s %s", ThreeDigits(value), kUnits[unit]);
}

std::string SecondsText(double seconds) {
  if (seconds >= 0.9995) return ThreeDigits(seconds) + " s";
  if (seconds >= 0.9995e-3) return ThreeDigits(seconds * 1e3) + " ms";
  return ThreeDigits(seconds * 1e6) + " us";
}

std::string RateText(uint64_t count, double seconds) {
  if (count == 0 || seconds <= 0) return "-";
  const double rate = static_cast<double>(count) / seconds;
  if (rate >= 999.5e3) return ThreeDigits(rate / 1e6) + " M/s";
  if (rate >= 999.5) return ThreeDigits(rate / 1e3) + " k/s";
  return ThreeDigits(rate) + " /s";
}

std::string CountText(uint64_t count, std::string_view singular) {
  std::string text = WithCommas(count) + " ";
  text.append(singular);
  if (count != 1) text += 's';
  return text;
}

}  // namespace firn::tools
