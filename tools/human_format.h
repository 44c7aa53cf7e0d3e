// Numbers as people read them.
#ifndef FIRN_TOOLS_HUMAN_FORMAT_H_
#define FIRN_TOOLS_HUMAN_FORMAT_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace firn::tools {

std::string WithCommas(uint64_t number);  // "63,666"
std::string BytesText(uint64_t bytes);    // "812 B", "6.25 MiB"
std::string SecondsText(double seconds);  // "1.24 ms", "3.10 s"
// "1.32 M/s", and "-" where there is nothing to divide.
std::string RateText(uint64_t count, double seconds);
// `count` and its noun: "1 package", "2 packages".
std::string CountText(uint64_t count, std::string_view singular);

}  // namespace firn::tools

#endif  // FIRN_TOOLS_HUMAN_FORMAT_H_
