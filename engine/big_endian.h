// Numbers as they stand in files: big-endian, so that they sort as bytes.
#ifndef FIRN_ENGINE_BIG_ENDIAN_H_
#define FIRN_ENGINE_BIG_ENDIAN_H_

#include <concepts>
#include <cstddef>

namespace firn::internal {

template <std::unsigned_integral T>
void StoreBigEndian(T number, char* to) {
  for (size_t i = sizeof(T); i > 0; --i) {
    to[i - 1] = static_cast<char>(number & 0xff);
    number = static_cast<T>(number >> 8);
  }
}

template <std::unsigned_integral T>
T LoadBigEndian(const char* from) {
  T number = 0;
  for (size_t i = 0; i < sizeof(T); ++i) {
    number = static_cast<T>(number << 8 | static_cast<unsigned char>(from[i]));
  }
  return number;
}

}  // namespace firn::internal

#endif  // FIRN_ENGINE_BIG_ENDIAN_H_
