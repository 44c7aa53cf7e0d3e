// A measuring program stops at the first thing that goes wrong: a figure after it says nothing.
#ifndef FIRN_BENCH_CHECK_H_
#define FIRN_BENCH_CHECK_H_

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "bench/checksum.h"

namespace firn::bench {

[[noreturn]] inline void Fail(std::string_view what) {
  std::fprintf(stderr, "benchmark stopped: %.*s\n", static_cast<int>(what.size()), what.data());
  std::exit(1);
}

inline void CheckOk(const absl::Status& status) {
  if (!status.ok()) [[unlikely]]
    Fail(status.ToString());
}

template <class T>
T ValueOf(absl::StatusOr<T> result) {
  if (!result.ok()) [[unlikely]]
    Fail(result.status().ToString());
  return *std::move(result);
}

inline void CheckEqual(const Checksum& got, const Checksum& expected, std::string_view who) {
  if (got == expected) return;
  char text[200];
  std::snprintf(
      text, sizeof(text), "%.*s read %llu entries with checksum %016llx, not %llu with %016llx",
      static_cast<int>(who.size()), who.data(), static_cast<unsigned long long>(got.count),
      static_cast<unsigned long long>(got.words), static_cast<unsigned long long>(expected.count),
      static_cast<unsigned long long>(expected.words));
  Fail(text);
}

}  // namespace firn::bench

#endif  // FIRN_BENCH_CHECK_H_
