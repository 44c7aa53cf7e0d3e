#include "engine/group_link.h"

#include <optional>
#include <string>
#include <string_view>

#include "gtest/gtest.h"

namespace firn::internal {
namespace {

using Verdict = ChainReader::Verdict;

GroupLink Link(uint64_t group, uint64_t previous, uint64_t last, uint64_t synced = 0) {
  return {group, previous, {last}, {synced}, 0};
}

TEST(GroupLinkTest, SurvivesEncoding) {
  const GroupLink link{0x0102030405060708, 2, {kMaxCommitTs}, {3}, 0xfffefdfcfbfaf9f8};
  const auto bytes = link.Encode();
  EXPECT_EQ(GroupLink::Decode({bytes.data(), bytes.size()}), link);
}

TEST(GroupLinkTest, OtherBytesAreNoLink) {
  const auto bytes = GroupLink{}.Encode();
  std::string text(bytes.data(), bytes.size());
  EXPECT_EQ(GroupLink::Decode(std::string_view(text).substr(1)), std::nullopt);
  EXPECT_EQ(GroupLink::Decode(text + "x"), std::nullopt);
  text[0] = 2;
  EXPECT_EQ(GroupLink::Decode(text), std::nullopt) << "another version";
}

TEST(ChainReaderTest, TakesAChainFromItsAnchorOn) {
  ChainReader reader({.anchor = {5, {50}}});
  EXPECT_EQ(reader.Next(Link(4, 3, 40)), Verdict::kTake) << "in files already";
  EXPECT_EQ(reader.Next(Link(5, 4, 50)), Verdict::kTake);
  EXPECT_EQ(reader.Next(Link(6, 5, 60)), Verdict::kTake);
  EXPECT_EQ(reader.Next(Link(8, 6, 60)), Verdict::kTake) << "7 failed";
  EXPECT_EQ(reader.end().group, 8u);
  EXPECT_EQ(reader.end().commit_ts, CommitTs{60});
  EXPECT_FALSE(reader.broken());
}

TEST(ChainReaderTest, LeavesOutWhateverFollowsABreak) {
  ChainReader reader({.anchor = {5, {50}}});
  EXPECT_EQ(reader.Next(Link(7, 6, 70, 50)), Verdict::kLeaveOut) << "6 is missing";
  EXPECT_EQ(reader.Next(Link(8, 7, 80, 50)), Verdict::kLeaveOut);
  EXPECT_EQ(reader.Next(Link(6, 5, 90, 50)), Verdict::kLeaveOut) << "too late";
  EXPECT_EQ(reader.end().group, 5u);
  EXPECT_TRUE(reader.broken());
  EXPECT_FALSE(reader.lost());
}

TEST(ChainReaderTest, LeavesOutGroupsThatWereGivenUp) {
  ChainReader reader({.anchor = {5, {50}}, .last_group = 6});
  EXPECT_EQ(reader.Next(Link(6, 5, 60)), Verdict::kTake);
  EXPECT_EQ(reader.Next(Link(7, 6, 70)), Verdict::kLeaveOut) << "its write had failed";
  EXPECT_EQ(reader.end().group, 6u);
}

TEST(ChainReaderTest, ARecordWithoutALinkBreaksTheChain) {
  ChainReader reader({.anchor = {5, {50}}});
  EXPECT_EQ(reader.Next(std::nullopt), Verdict::kLeaveOut);
  EXPECT_EQ(reader.Next(Link(6, 5, 60)), Verdict::kLeaveOut);
}

TEST(ChainReaderTest, CommitsDoNotGoBackInTime) {
  ChainReader reader({.anchor = {5, {50}}});
  EXPECT_EQ(reader.Next(Link(6, 5, 49)), Verdict::kLeaveOut);
}

TEST(ChainReaderTest, WhatWasSyncedAndIsMissingIsLost) {
  ChainReader reader({.anchor = {5, {50}}});
  EXPECT_EQ(reader.Next(Link(7, 6, 70, 50)), Verdict::kLeaveOut);
  EXPECT_EQ(reader.Next(Link(8, 7, 80, 60)), Verdict::kLost) << "60 was on disk";
  EXPECT_TRUE(reader.lost());
}

}  // namespace
}  // namespace firn::internal
