// Any sequence of operations on a Db of tiny leaves gets the oracle's answers.
#include <cstdio>
#include <string>

#include "gtest/gtest.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/support/choices.h"
#include "tests/support/db_player.h"
#include "tests/support/operation_draw.h"
#include "tests/support/oracle_player.h"
#include "tests/support/test_db.h"

namespace firn::test {
namespace {

Options DrawOptions(Choices& choices) {
  Options options = TinyOptions();
  if (choices.OneIn(2)) options.background = BackgroundMode::kInline;
  options.tuning.settle_idle_us = 0;
  options.tuning.block_entries = choices.Between(2, 9);
  options.tuning.delta_slots = choices.Between(2, 5);
  options.tuning.inner_fanout = choices.Between(4, 5);
  if (choices.OneIn(2)) options.tuning.block_bytes = 512;
  return options;
}

void PlayBoth(const Operation& operation, DbPlayer& db, OraclePlayer& oracle) {
  const std::string wanted = oracle.Play(operation);
  const std::string got = db.Play(operation);
  if (got == wanted) return;
  std::fprintf(stderr, "%s\n  got      %s\n  expected %s\n", ToString(operation).c_str(),
               got.c_str(), wanted.c_str());
  FIRN_CHECK(!"the Db and the oracle agree");
}

// What an iterator's watcher finds ends the program too.
void LetFailuresThrow() {
  static const bool done = [] {
    GTEST_FLAG_SET(throw_on_failure, true);
    return true;
  }();
  (void)done;
}

}  // namespace
}  // namespace firn::test

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace firn::test;
  LetFailuresThrow();
  ByteChoices choices(BytesOf(data, size));
  MemoryHome home(DrawOptions(choices));
  OperationDraw draw(choices);
  DbPlayer db(home);
  OraclePlayer oracle;
  while (!choices.empty()) PlayBoth(draw.Next(), db, oracle);
  PlayBoth({.verb = Operation::Verb::kVerify}, db, oracle);
  PlayBoth({.verb = Operation::Verb::kScan}, db, oracle);
  return 0;
}
