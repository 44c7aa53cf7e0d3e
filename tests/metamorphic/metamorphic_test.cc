// One list of operations has one outcome, whatever the options: sizes, settling, durability, and
// how often the Db was opened again.
//
//   FIRN_METAMORPHIC_SEEDS=n        lists drawn from the seeds 1 to n (default 10)
//   FIRN_METAMORPHIC_SEED=n         only the list of seed n
//   FIRN_METAMORPHIC_OPERATIONS=n   operations a list (default 300)
#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/metamorphic/option_sets.h"
#include "tests/support/db_player.h"
#include "tests/support/operation.h"
#include "tests/support/operation_draw.h"
#include "tests/support/oracle_player.h"
#include "tests/support/random.h"
#include "tests/support/shrink.h"

namespace firn::test {
namespace {

// What every list ends with: the whole state, opened again where that is done.
void AddEnd(OperationList& operations) {
  using Verb = Operation::Verb;
  operations.push_back({.verb = Verb::kSettle});
  operations.push_back({.verb = Verb::kVerify});
  operations.push_back({.verb = Verb::kReopen});
  operations.push_back({.verb = Verb::kScan});
  operations.push_back({.verb = Verb::kScan, .backward = true});
  operations.push_back({.verb = Verb::kCount});
}

OperationList DrawList(uint64_t seed) {
  Random random(seed);
  OperationDraw draw(random);
  OperationList operations;
  for (uint64_t count = NumberFromEnv("FIRN_METAMORPHIC_OPERATIONS", 300); count > 0; --count) {
    operations.push_back(draw.Next());
  }
  AddEnd(operations);
  return operations;
}

// The oracle's transcript is the one that all are compared with.
std::vector<std::string> ExpectedTranscript(const OperationList& operations) {
  OraclePlayer player;
  std::vector<std::string> transcript;
  for (const Operation& operation : operations) transcript.push_back(player.Play(operation));
  return transcript;
}

// A failure ends it.
std::vector<std::string> Transcript(const OptionSet& set, uint64_t seed,
                                    const OperationList& operations) {
  std::vector<std::string> transcript;
  try {
    const std::unique_ptr<DbHome> home = MakeHome(set, seed);
    DbPlayer player(*home);
    for (const Operation& operation : operations) transcript.push_back(player.Play(operation));
  } catch (const std::exception& failure) {
    transcript.emplace_back(failure.what());
  }
  return transcript;
}

// Where a transcript is not what it should be.
struct Difference {
  size_t line;
  std::string operation;
  std::string got;
  std::string wanted;
};

std::optional<Difference> FindDifference(const OptionSet& set, uint64_t seed,
                                         const OperationList& operations) {
  const std::vector<std::string> got = Transcript(set, seed, operations);
  const std::vector<std::string> wanted = ExpectedTranscript(operations);
  for (size_t line = 0; line < operations.size(); ++line) {
    const std::string what = line < got.size() ? got[line] : "nothing";
    if (what == wanted[line]) continue;
    return Difference{line, ToString(operations[line]), what, wanted[line]};
  }
  return std::nullopt;
}

std::string Explain(const OptionSet& set, uint64_t seed, const OperationList& operations,
                    const Difference& difference) {
  constexpr std::chrono::seconds kPatience(20);
  const auto differs = [&](const OperationList& list) {
    return FindDifference(set, seed, list).has_value();
  };
  std::ostringstream text;
  text << "seed " << seed << ", options " << set.name << ", line " << difference.line << ": "
       << difference.operation << "\n  got      " << difference.got << "\n  expected "
       << difference.wanted << "\nFIRN_METAMORPHIC_SEED=" << seed
       << " metamorphic_metamorphic_test --gtest_filter='*/" << set.name << "' repeats it.\n";
  if (!differs(operations)) {
    text << "(Played again, it was as expected: threads have a part in it.)\n";
    return text.str();
  }
  text << "The same in fewer operations:\n";
  const OperationList needed(operations.begin(), operations.begin() + difference.line + 1);
  const OperationList fewer = Shrunk(needed, differs, kPatience);
  const std::vector<std::string> wanted = ExpectedTranscript(fewer);
  for (size_t line = 0; line < fewer.size(); ++line) {
    text << "  " << line << ' ' << fewer[line] << " -> " << wanted[line] << '\n';
  }
  if (const std::optional<Difference> last = FindDifference(set, seed, fewer)) {
    text << "  but line " << last->line << " is " << last->got << '\n';
  }
  return text.str();
}

class MetamorphicTest : public ::testing::TestWithParam<OptionSet> {};

TEST_P(MetamorphicTest, OptionsChangeNoAnswer) {
  const OptionSet& set = GetParam();
  const uint64_t only_seed = NumberFromEnv("FIRN_METAMORPHIC_SEED", 0);
  const uint64_t first = only_seed != 0 ? only_seed : 1;
  const uint64_t last = only_seed != 0 ? only_seed : NumberFromEnv("FIRN_METAMORPHIC_SEEDS", 10);
  for (uint64_t seed = first; seed <= last; ++seed) {
    const OperationList operations = DrawList(seed);
    const std::optional<Difference> difference = FindDifference(set, seed, operations);
    ASSERT_FALSE(difference.has_value()) << Explain(set, seed, operations, *difference);
    // What an iterator's watcher found.
    ASSERT_FALSE(HasFailure()) << "FIRN_METAMORPHIC_SEED=" << seed << " repeats it";
  }
}

INSTANTIATE_TEST_SUITE_P(, MetamorphicTest, ::testing::ValuesIn(AllOptionSets()),
                         [](const auto& set) { return set.param.name; });

}  // namespace
}  // namespace firn::test
