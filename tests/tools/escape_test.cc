#include "tools/cli/escape.h"

#include <string>

#include "gtest/gtest.h"
#include "tests/support/random.h"

namespace firn::tools {
namespace {

TEST(EscapeTest, PrintableTextStays) {
  EXPECT_EQ(Escaped("firn 0.1 ~ Grüße, 雪"), "firn 0.1 ~ Grüße, 雪");
  EXPECT_EQ(Escaped(""), "");
}

TEST(EscapeTest, NothingMovesTheTerminal) {
  EXPECT_EQ(Escaped("\x1b[2J"), "\\x1b[2J");
  EXPECT_EQ(Escaped(std::string("\0\t\n\r\x7f", 5)), "\\x00\\x09\\x0a\\x0d\\x7f");
  EXPECT_EQ(Escaped("\xc2\x9b"), "\\xc2\\x9b") << "C1";
  EXPECT_EQ(Escaped("\xe2\x80\xae"), "\\xe2\\x80\\xae") << "right-to-left override";
  EXPECT_EQ(Escaped("\xe2\x80\x8b"), "\\xe2\\x80\\x8b") << "zero width";
  EXPECT_EQ(Escaped("a\\b"), "a\\\\b");
}

TEST(EscapeTest, WhatIsNotUtf8IsShownByteByByte) {
  EXPECT_EQ(Escaped("\xff"), "\\xff");
  EXPECT_EQ(Escaped("\xc0\xaf"), "\\xc0\\xaf") << "overlong";
  EXPECT_EQ(Escaped("\xed\xa0\x80"), "\\xed\\xa0\\x80") << "surrogate";
  EXPECT_EQ(Escaped("\xe2\x82"), "\\xe2\\x82") << "cut short";
  EXPECT_FALSE(IsUtf8("\xf4\x90\x80\x80"));
  EXPECT_TRUE(IsUtf8("\xf4\x8f\xbf\xbf"));
}

TEST(EscapeTest, ComesBackAsItWas) {
  test::Random random(test::PrintedSeed());
  for (int i = 0; i < 2'000; ++i) {
    std::string bytes;
    for (uint64_t size = random.Below(40); size > 0; --size) {
      bytes += static_cast<char>(random.Below(256));
    }
    EXPECT_EQ(Unescaped(Escaped(bytes)), bytes);
    EXPECT_EQ(FromHex(ToHex(bytes)), bytes);
  }
}

TEST(EscapeTest, WrongTextIsNotTaken) {
  for (const char* text : {"\\", "\\q", "\\x", "\\x1", "\\xg0", "a\\"}) {
    EXPECT_EQ(Unescaped(text), std::nullopt) << text;
  }
  for (const char* text : {"0", "0g", "xy", "000"}) EXPECT_EQ(FromHex(text), std::nullopt) << text;
}

}  // namespace
}  // namespace firn::tools
