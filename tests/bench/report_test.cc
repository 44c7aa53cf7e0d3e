#include "bench/report.h"

#include <vector>

#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace firn::bench {
namespace {

Row JudgedRow(std::vector<double> judged, std::vector<double> itself, Bar bar) {
  Row row;
  row.judged = std::move(judged);
  row.itself = std::move(itself);
  row.bar = bar;
  return row;
}

TEST(Verdict, TheMedianIsJudged) {
  EXPECT_EQ(VerdictOf(JudgedRow({1, 3, 9}, {1}, Bar::AtLeast(3))), Verdict::kMet);
  EXPECT_EQ(VerdictOf(JudgedRow({1, 3, 9}, {1}, Bar::AtLeast(3.1))), Verdict::kMissed);
  EXPECT_EQ(VerdictOf(JudgedRow({1, 3, 9}, {1}, Bar::AtMost(3))), Verdict::kMet);
  EXPECT_EQ(VerdictOf(JudgedRow({1, 3, 9}, {1}, Bar::AtMost(2.9))), Verdict::kMissed);
}

TEST(Verdict, ShortByLessThanFirnDiffersFromItself) {
  const std::vector<double> five_percent = {0.95, 0.95, 1.01, 1.01};
  EXPECT_EQ(VerdictOf(JudgedRow({2.9}, five_percent, Bar::AtLeast(3))), Verdict::kMetWithinSpread);
  EXPECT_EQ(VerdictOf(JudgedRow({2.8}, five_percent, Bar::AtLeast(3))), Verdict::kMissed);
  EXPECT_EQ(VerdictOf(JudgedRow({3.1}, five_percent, Bar::AtMost(3))), Verdict::kMetWithinSpread);
  EXPECT_EQ(VerdictOf(JudgedRow({3.2}, five_percent, Bar::AtMost(3))), Verdict::kMissed);
}

TEST(Verdict, NoiseDoesNotExcuseEverything) {
  const std::vector<double> wild = {0.4, 0.4, 1.9, 1.9};
  EXPECT_EQ(VerdictOf(JudgedRow({2.6}, wild, Bar::AtLeast(3))), Verdict::kMetWithinSpread);
  EXPECT_EQ(VerdictOf(JudgedRow({2.5}, wild, Bar::AtLeast(3))), Verdict::kMissed);
}

TEST(Verdict, WithoutABarNothingIsJudged) {
  EXPECT_EQ(VerdictOf(JudgedRow({1}, {}, Bar::None())), Verdict::kShown);
}

TEST(Json, CarriesEveryRound) {
  Row row = JudgedRow({1, 2, 4}, {1, 1}, Bar::AtLeast(2));
  row.name = "scan";
  row.measured = {{"firn", {10, 20, 30}}};
  const nlohmann::json json = ToJson({}, {row});
  EXPECT_EQ(json["rows"][0]["name"], "scan");
  EXPECT_EQ(json["rows"][0]["judged"]["median"], 2);
  EXPECT_EQ(json["rows"][0]["measured"]["firn"]["rounds"].size(), 3u);
  EXPECT_EQ(json["rows"][0]["verdict"], "met");
}

}  // namespace
}  // namespace firn::bench
