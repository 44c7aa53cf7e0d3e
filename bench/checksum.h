// The work that every scan and lookup must show: what it read, boiled down to one word.
#ifndef FIRN_BENCH_CHECKSUM_H_
#define FIRN_BENCH_CHECKSUM_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace firn::bench {

// XOR over every 8-byte word; the last few bytes count as a word padded with zeros.
inline uint64_t XorWords(std::string_view bytes) {
  const auto word_at = [](const char* at) {
    uint64_t word;
    std::memcpy(&word, at, sizeof(word));
    return word;
  };
  const char* at = bytes.data();
  size_t left = bytes.size();
  if (left < 8) {
    uint64_t word = 0;
    if (left != 0) std::memcpy(&word, at, left);
    return word;
  }
  uint64_t a = 0, b = 0, c = 0, d = 0;  // Four chains, so that loads set the pace and not XOR.
  for (; left >= 32; at += 32, left -= 32) {
    a ^= word_at(at);
    b ^= word_at(at + 8);
    c ^= word_at(at + 16);
    d ^= word_at(at + 24);
  }
  for (; left >= 8; at += 8, left -= 8) a ^= word_at(at);
  if (left != 0) b ^= word_at(at + left - 8) >> (8 * (8 - left));
  return a ^ b ^ c ^ d;
}

// What was read, whatever its order: equal for engines that hold the same entries.
struct Checksum {
  uint64_t words = 0;
  uint64_t count = 0;

  void Add(std::string_view value) {
    words ^= XorWords(value);
    ++count;
  }
  void Add(std::string_view key, std::string_view value) {
    words ^= XorWords(key) ^ XorWords(value);
    ++count;
  }
  friend bool operator==(const Checksum&, const Checksum&) = default;
};

}  // namespace firn::bench

#endif  // FIRN_BENCH_CHECKSUM_H_
