// What the fuzz targets share. Each defines LLVMFuzzerTestOneInput(): libFuzzer calls it, or
// replay_main.cc with the inputs that are kept in corpus/. A fault ends the program.
#ifndef FIRN_TESTS_FUZZ_FUZZ_TARGET_H_
#define FIRN_TESTS_FUZZ_FUZZ_TARGET_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "mvcc/check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace firn::test {

inline std::string_view BytesOf(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

}  // namespace firn::test

#endif  // FIRN_TESTS_FUZZ_FUZZ_TARGET_H_
