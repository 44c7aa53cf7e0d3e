#include "bench/compare.h"

#include <sstream>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace firn::bench {
namespace {

// A run in which a get took so many nanoseconds.
nlohmann::json RunWith(double firn, double lmdb) {
  nlohmann::json row = {{"name", "get.uniform"}, {"unit", "ns/get"}};
  row["measured"]["firn"]["median"] = firn;
  row["measured"]["lmdb"]["median"] = lmdb;
  nlohmann::json run;
  run["rows"] = nlohmann::json::array({row});
  return run;
}

TEST(Compare, RatiosPairRunsThatWereNeighbours) {
  // The machine became slower by half; the change made Firn faster by half.
  const std::vector<nlohmann::json> base = {RunWith(100, 300), RunWith(200, 600)};
  const std::vector<nlohmann::json> now = {RunWith(50, 300), RunWith(100, 600)};
  const std::vector<ComparedSeries> compared = Compare(base, now);
  ASSERT_EQ(compared.size(), 2u);
  EXPECT_EQ(compared[0].series, "firn");
  EXPECT_FALSE(compared[0].is_control);
  EXPECT_EQ(compared[0].ratios, (std::vector<double>{0.5, 0.5}));
  EXPECT_TRUE(compared[1].is_control);
  EXPECT_EQ(compared[1].ratios, (std::vector<double>{1, 1}));
}

TEST(Compare, LeavesOutWhatOneBuildLacks) {
  nlohmann::json base = RunWith(100, 300);
  base["rows"][0]["measured"].erase("lmdb");
  nlohmann::json now = RunWith(100, 300);
  now["rows"].push_back({{"name", "get.new"}, {"unit", ""}, {"measured", {}}});
  now["rows"][1]["measured"]["firn"]["median"] = 1.0;
  const std::vector<ComparedSeries> compared =
      Compare(std::vector<nlohmann::json>{base}, std::vector<nlohmann::json>{now});
  ASSERT_EQ(compared.size(), 1u);
  EXPECT_EQ(compared[0].row, "get.uniform");
  EXPECT_EQ(compared[0].series, "firn");
}

TEST(Compare, TheTableHasFirnBesideWhatDidNotChange) {
  const std::vector<nlohmann::json> base = {RunWith(100, 300)}, now = {RunWith(80, 330)};
  std::ostringstream out;
  PrintComparison(out, Compare(base, now));
  const std::string table = out.str();
  EXPECT_NE(table.find("get.uniform"), std::string::npos) << table;
  EXPECT_NE(table.find("0.800x"), std::string::npos) << table;
  EXPECT_NE(table.find("1.10x"), std::string::npos) << table;
  EXPECT_EQ(table.find("lmdb"), std::string::npos) << table;
}

}  // namespace
}  // namespace firn::bench
