#include "bench/checksum.h"

#include <cstdint>
#include <cstring>
#include <string>

#include "gtest/gtest.h"

namespace firn::bench {
namespace {

// The definition, word by word.
uint64_t XorOfPaddedWords(std::string bytes) {
  bytes.resize((bytes.size() + 7) / 8 * 8, '\0');
  uint64_t result = 0;
  for (size_t i = 0; i < bytes.size(); i += 8) {
    uint64_t word;
    std::memcpy(&word, bytes.data() + i, 8);
    result ^= word;
  }
  return result;
}

TEST(Checksum, EverySizeMatchesTheDefinition) {
  std::string bytes;
  for (int size = 0; size < 130; ++size) {
    EXPECT_EQ(XorWords(bytes), XorOfPaddedWords(bytes)) << size;
    bytes.push_back(static_cast<char>(size * 37 + 11));
  }
}

TEST(Checksum, OrderDoesNotMatter) {
  Checksum forward, backward;
  forward.Add("key one.", "value");
  forward.Add("key two.", "another value");
  backward.Add("key two.", "another value");
  backward.Add("key one.", "value");
  EXPECT_EQ(forward, backward);
}

TEST(Checksum, AnEntryReadTwiceIsSeen) {
  Checksum once, thrice;
  once.Add("key", "value");
  for (int i = 0; i < 3; ++i) thrice.Add("key", "value");
  EXPECT_EQ(once.words, thrice.words);
  EXPECT_NE(once, thrice);
}

}  // namespace
}  // namespace firn::bench
