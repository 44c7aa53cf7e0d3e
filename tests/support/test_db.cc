#include "tests/support/test_db.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "tests/support/checking_cursor.h"
#include "tests/support/status_checks.h"

namespace firn::test {
namespace {

Entry CurrentEntry(const CheckingCursor& cursor) {
  return {std::string(cursor.key()), std::string(cursor.value()), cursor.commit_ts()};
}

std::vector<Entry> Forward(CheckingCursor cursor) {
  std::vector<Entry> entries;
  for (cursor.SeekToFirst(); cursor.Valid(); cursor.Next()) entries.push_back(CurrentEntry(cursor));
  EXPECT_TRUE(IsOk(cursor.status()));
  return entries;
}

std::vector<Entry> Backward(CheckingCursor cursor) {
  std::vector<Entry> entries;
  for (cursor.SeekToLast(); cursor.Valid(); cursor.Prev()) entries.push_back(CurrentEntry(cursor));
  EXPECT_TRUE(IsOk(cursor.status()));
  std::reverse(entries.begin(), entries.end());
  return entries;
}

std::string Join(const std::vector<Entry>& entries) {
  std::string text;
  for (const Entry& entry : entries) {
    if (!text.empty()) text += ' ';
    text += ToString(entry.key, entry.value);
  }
  return text;
}

}  // namespace

Options TinyOptions() {
  Options options;
  options.background = BackgroundMode::kManual;
  options.tuning.block_bytes = 64;
  options.tuning.block_entries = 2;
  options.tuning.delta_slots = 2;
  options.tuning.inner_fanout = 4;
  options.tuning.large_value_bytes = 16;
  return options;
}

std::unique_ptr<Db> OpenTestDb(const Options& options) {
  return ValueOf(Db::OpenInMemory(options));
}

SnapshotOptions Labelled(std::string label, std::string owner) {
  SnapshotOptions options;
  options.label = std::move(label);
  options.owner = std::move(owner);
  return options;
}

std::vector<Entry> ReadForward(const Snapshot& snapshot, const Bounds& bounds) {
  return Forward(CheckingCursor(snapshot.NewIterator(bounds.options())));
}
std::vector<Entry> ReadForward(const Db& db, const Bounds& bounds) {
  return Forward(CheckingCursor(db.NewIterator(bounds.options())));
}
std::vector<Entry> ReadBackward(const Snapshot& snapshot, const Bounds& bounds) {
  return Backward(CheckingCursor(snapshot.NewIterator(bounds.options())));
}
std::vector<Entry> ReadBackward(const Db& db, const Bounds& bounds) {
  return Backward(CheckingCursor(db.NewIterator(bounds.options())));
}

DbStats ExpectNothingStays(Db& db) {
  EXPECT_TRUE(IsOk(db.VerifyInvariants()));
  EXPECT_TRUE(IsOk(db.Settle()));
  EXPECT_TRUE(IsOk(db.VerifyInvariants()));
  DbStats stats = ValueOf(db.Stats());
  EXPECT_EQ(stats.live_snapshot_count, 0u);
  EXPECT_EQ(stats.version_count, stats.key_count);
  EXPECT_EQ(stats.owing_leaf_count, 0u);
  return stats;
}

std::string Contents(const Snapshot& snapshot) { return Join(ReadForward(snapshot)); }
std::string Contents(const Db& db) { return Join(ReadForward(db)); }

std::string ToString(std::string_view key, std::string_view value) {
  std::string text(key);
  text += '=';
  text += value;
  return text;
}

std::string NumberedKey(size_t number) {
  char text[32];
  std::snprintf(text, sizeof(text), "key%06zu", number);
  return text;
}

}  // namespace firn::test
