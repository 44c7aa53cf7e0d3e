// What is told about a snapshot in one word.
#ifndef FIRN_MVCC_SNAPSHOT_BRIEF_H_
#define FIRN_MVCC_SNAPSHOT_BRIEF_H_

#include <cstdint>

namespace firn::internal {

// A SnapshotBrief says who opened a snapshot and when. As one word it is read whole beside
// whoever closes the snapshot, so that a lister needs no handle on it.
//
//   bit     0  1         2 .. 23                24 .. 63
//           |  iterator  thread                 opened: monotonic milliseconds, for 34 years
//           record
struct SnapshotBrief {
  static constexpr uint64_t kNone = 0;  // Of no snapshot: a thread's number is not 0.
  static constexpr uint64_t kHasRecord = 1;

  bool has_record = false;     // A label or an owner, too long for a word: read by handle holders.
  bool of_iterator = false;    // Opened by an iterator for itself.
  uint32_t thread_number = 0;  // Linux numbers threads below 2^22.
  uint64_t opened_at_millis = 0;

  uint64_t Word() const {
    return opened_at_millis << 24 | uint64_t{thread_number & kThreadMask} << 2 |
           uint64_t{of_iterator} << 1 | uint64_t{has_record};
  }
  static SnapshotBrief Of(uint64_t word) {
    return {(word & kHasRecord) != 0, (word >> 1 & 1) != 0,
            static_cast<uint32_t>(word >> 2) & kThreadMask, word >> 24};
  }

 private:
  static constexpr uint32_t kThreadMask = (uint32_t{1} << 22) - 1;
};

}  // namespace firn::internal

#endif  // FIRN_MVCC_SNAPSHOT_BRIEF_H_
