// How tables and numbers look.
#include <string>

#include "gtest/gtest.h"
#include "tools/human_format.h"
#include "tools/terminal.h"
#include "tools/text_table.h"

namespace firn::tools {
namespace {

TEST(TextTable, LinesUpSectionsOfDifferentWidth) {
  TextTable table;
  table.AddSection({"view", "packages", "sum"});
  table.AddRow({"frozen", "3", "17", "ok"}, TextTable::Mark::kGood);
  table.AddSection({"memory, settled", "size"});
  table.AddRow({"before", "12,345,678"});
  EXPECT_EQ(table.Render(false),
            "view               packages  sum\n"
            "frozen                    3   17  ok\n"
            "\n"
            "memory, settled        size\n"
            "before           12,345,678\n");
}

TEST(TextTable, ColoursNothingButTitlesAndMarks) {
  TextTable table;
  table.AddSection({"a", "b"});
  table.AddRow({"x", "1"});
  table.AddRow({"y", "ok"}, TextTable::Mark::kGood);
  table.AddRow({"z", "no"}, TextTable::Mark::kBad);
  EXPECT_EQ(table.Render(true),
            "\033[1ma   b\033[0m\n"
            "x   1\n"
            "y  \033[32mok\033[0m\n"
            "z  \033[1;31mno\033[0m\n");
}

TEST(TextTable, MarksSingleCellsAndTitlesOfSeveralLines) {
  TextTable table;
  table.AddSection({"", "at"});
  table.AddSection({"a", "end"});
  table.AddMarkedRow({{"x"}, {"1", TextTable::Mark::kOdd}, {"-", TextTable::Mark::kFaint}});
  EXPECT_EQ(table.Render(false),
            "    at\n"
            "a  end\n"
            "x    1  -\n");
  EXPECT_EQ(table.Render(true),
            "\033[1m    at\033[0m\n"
            "\033[1ma  end\033[0m\n"
            "x    \033[33m1\033[0m  \033[2m-\033[0m\n");
  EXPECT_EQ(table.Width(), 9u);
}

TEST(HumanFormat, NumbersKeepThreeDigitsThatMatter) {
  EXPECT_EQ(WithCommas(0), "0");
  EXPECT_EQ(WithCommas(999), "999");
  EXPECT_EQ(WithCommas(63666), "63,666");
  EXPECT_EQ(WithCommas(1234567), "1,234,567");
  EXPECT_EQ(BytesText(1023), "1023 B");
  EXPECT_EQ(BytesText(1024), "1.00 KiB");
  EXPECT_EQ(BytesText(1'048'000), "1.00 MiB");
  EXPECT_EQ(BytesText(uint64_t{15} << 30), "15.0 GiB");
  EXPECT_EQ(SecondsText(0.00000123), "1.23 us");
  EXPECT_EQ(SecondsText(0.0124), "12.4 ms");
  EXPECT_EQ(SecondsText(0.9999), "1.00 s");
  EXPECT_EQ(SecondsText(124), "124 s");
  EXPECT_EQ(RateText(1'320'000, 1), "1.32 M/s");
  EXPECT_EQ(RateText(999'600, 1), "1.00 M/s");
  EXPECT_EQ(RateText(50, 0.5), "100 /s");
  EXPECT_EQ(RateText(5, 0), "-");
  EXPECT_EQ(CountText(1, "package"), "1 package");
  EXPECT_EQ(CountText(2000, "package"), "2,000 packages");
}

TEST(BarText, FillsUp) {
  EXPECT_EQ(BarText(0, 8, 4), "....");
  EXPECT_EQ(BarText(5, 8, 4), "##..");
  EXPECT_EQ(BarText(8, 8, 4), "####");
  EXPECT_EQ(BarText(9, 8, 4), "####");
}

TEST(ProgressText, SaysRateAndTimeLeft) {
  EXPECT_EQ(ProgressText(ProgressUnit::kBytes, 25 << 20, 50 << 20, 5),
            "25.0 MiB of 50.0 MiB, 5.00 MiB/s, 5.00 s left");
  EXPECT_EQ(ProgressText(ProgressUnit::kCount, 12'345, 0, 2), "12,345, 6.17 k/s");
  EXPECT_EQ(ProgressText(ProgressUnit::kCount, 0, 10, 2), "0 of 10");
}

}  // namespace
}  // namespace firn::tools
