#include "engine/shown_key.h"

#include <string>
#include <string_view>

#include "gtest/gtest.h"

namespace firn::internal {
namespace {

TEST(ShownKeyTest, StandsInQuotes) {
  EXPECT_EQ(ShownKey(""), R"("")");
  EXPECT_EQ(ShownKey("user:17"), R"("user:17")");
}

TEST(ShownKeyTest, BytesThatCouldMoveATerminalAreEscaped) {
  EXPECT_EQ(ShownKey(std::string_view("\0\x1b[2J\n\"\xff", 8)), R"("\x00\x1b[2J\n\"\xff")");
}

TEST(ShownKeyTest, LongKeysAreCut) {
  EXPECT_EQ(ShownKey(std::string(32, 'k')), "\"" + std::string(32, 'k') + "\"");
  EXPECT_EQ(ShownKey(std::string(33, 'k')), "\"" + std::string(32, 'k') + "\"...");
}

}  // namespace
}  // namespace firn::internal
