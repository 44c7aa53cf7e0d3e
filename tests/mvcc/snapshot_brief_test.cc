#include "mvcc/snapshot_brief.h"

#include <cstdint>

#include "gtest/gtest.h"

namespace firn::internal {
namespace {

TEST(SnapshotBrief, ComesBackFromItsWord) {
  for (const bool has_record : {false, true}) {
    for (const bool of_iterator : {false, true}) {
      for (const uint32_t thread : {1u, 4'194'303u}) {
        for (const uint64_t millis : {uint64_t{0}, uint64_t{1}, (uint64_t{1} << 40) - 1}) {
          const uint64_t word = SnapshotBrief{has_record, of_iterator, thread, millis}.Word();
          EXPECT_NE(word, SnapshotBrief::kNone);
          EXPECT_EQ((word & SnapshotBrief::kHasRecord) != 0, has_record);
          const SnapshotBrief brief = SnapshotBrief::Of(word);
          EXPECT_EQ(brief.has_record, has_record);
          EXPECT_EQ(brief.of_iterator, of_iterator);
          EXPECT_EQ(brief.thread_number, thread);
          EXPECT_EQ(brief.opened_at_millis, millis);
        }
      }
    }
  }
}

}  // namespace
}  // namespace firn::internal
