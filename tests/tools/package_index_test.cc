#include "tools/package_index.h"

#include <cstdio>
#include <set>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace firn::tools {
namespace {

using ::testing::HasSubstr;

void NoProgress(size_t) {}

PackageIndex Parse(std::string text) {
  std::FILE* input = fmemopen(text.data(), text.size(), "r");
  absl::StatusOr<PackageIndex> index = ParsePackageIndex(input, NoProgress);
  std::fclose(input);
  EXPECT_TRUE(index.ok()) << index.status();
  return *std::move(index);
}

TEST(PackageIndex, StanzasBecomePackages) {
  const PackageIndex index = Parse(
      "Package: zlib1g\nVersion: 1:1.2.13\nArchitecture: amd64\nDescription: compression\n"
      "\n\n"
      "Package: 0ad\nVersion: 0.0.26-3\nDescription:\n");
  ASSERT_EQ(index.packages.size(), 2u);
  EXPECT_EQ(index.packages[0].name, "zlib1g");
  EXPECT_EQ(index.packages[0].version, "1:1.2.13");
  EXPECT_EQ(index.packages[0].description, "compression");
  EXPECT_EQ(index.packages[1].name, "0ad");
  EXPECT_EQ(index.packages[1].description, "");
}

TEST(PackageIndex, OnlyTheDescriptionGoesOnOverLines) {
  const PackageIndex index =
      Parse("Package: a\nDescription: first\n second\n .\n third\nTag: x,\n y\nVersion: 1\n z\n");
  ASSERT_EQ(index.packages.size(), 1u);
  EXPECT_EQ(index.packages[0].description, "first\nsecond\n.\nthird");
  EXPECT_EQ(index.packages[0].version, "1");
}

TEST(PackageIndex, TheFirstOfARepeatedNameCounts) {
  const PackageIndex index = Parse(
      "Package: a\nVersion: 1\nArchitecture: amd64\n\nPackage: a\nVersion: 2\nArchitecture: "
      "i386\n");
  EXPECT_EQ(index.stanza_count, 2u);
  ASSERT_EQ(index.packages.size(), 1u);
  EXPECT_EQ(index.packages[0].version, "1");
}

TEST(PackageIndex, StrayTextIsNoPackage) {
  EXPECT_TRUE(Parse("root:x:0:0\nno colon\n continued\n\nVersion: 3\n").packages.empty());
}

TEST(PackageIndex, CarriageReturnsAreNotPartOfAValue) {
  const PackageIndex index = Parse("Package: a\r\nVersion: 1\r\n\r\nPackage: b\r\n");
  ASSERT_EQ(index.packages.size(), 2u);
  EXPECT_EQ(index.packages[0].version, "1");
}

TEST(PackageIndex, AFileThatIsNotThereIsNamed) {
  const absl::Status status = ReadPackageIndexFile("/no/such/index", NoProgress).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr("/no/such/index"));
}

TEST(PackageIndex, AFileWithoutPackagesIsRefused) {
  EXPECT_EQ(ReadPackageIndexFile("/dev/null", NoProgress).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(GeneratedPackageIndex, IsTheSameEachTimeAndNamesNothingTwice) {
  const PackageIndex first = GeneratePackageIndex(5000);
  const PackageIndex second = GeneratePackageIndex(5000);
  std::set<std::string> names;
  ASSERT_EQ(first.packages.size(), 5000u);
  for (size_t i = 0; i < first.packages.size(); ++i) {
    EXPECT_EQ(first.packages[i].name, second.packages[i].name);
    EXPECT_EQ(first.packages[i].version, second.packages[i].version);
    EXPECT_EQ(first.packages[i].description, second.packages[i].description);
    EXPECT_TRUE(names.insert(first.packages[i].name).second) << first.packages[i].name;
  }
  // The same on every machine, too.
  EXPECT_EQ(first.packages[0].name, "r-cran-table-pixel");
  EXPECT_EQ(first.packages[4999].version, "11.20.8-4");
}

}  // namespace
}  // namespace firn::tools
