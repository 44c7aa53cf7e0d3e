// The chain that ties the groups in the log together.
#ifndef FIRN_ENGINE_GROUP_LINK_H_
#define FIRN_ENGINE_GROUP_LINK_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>

#include "firn/types.h"

namespace firn::internal {

// A GroupLink goes into the log with every group of commits. Encoded, all numbers big-endian:
//
//   version u8 = 1 | group u64 | previous u64 | last commit u64 | synced u64 | xxh3 u64
struct GroupLink {
  uint64_t group = 0;     // Ascend from 1; a group that failed leaves a gap.
  uint64_t previous = 0;  // The group before it in the store.
  CommitTs last_commit_ts;
  CommitTs synced_ts;     // The last commit that was known to be on disk when this was written.
  uint64_t checksum = 0;  // XXH3 of the group's operations.

  static constexpr size_t kEncodedSize = 41;
  std::array<char, kEncodedSize> Encode() const;
  // Nothing if this is no link, or one of a format that this release does not know.
  static std::optional<GroupLink> Decode(std::string_view bytes);

  friend bool operator==(const GroupLink&, const GroupLink&) = default;
};

// The last group and commit that a store holds.
struct ChainEnd {
  uint64_t group = 0;
  CommitTs commit_ts;
};

// A ChainReader judges the groups that are found in the log, in its order, against the chain.
//
// A log may lose its tail with a power cut, and then what follows the loss is not to be served:
// commits would be missing from the middle. So after the first break everything is left out. If
// something left out says that a commit past the break was on disk already, then the log did not
// lose its tail but its content: that is loss of data.
class ChainReader {
 public:
  struct Limits {
    ChainEnd anchor;                                             // What is outside the log already.
    uint64_t last_group = std::numeric_limits<uint64_t>::max();  // Later ones are left out.
  };
  explicit ChainReader(Limits limits) : limits_(limits), end_(limits.anchor) {}

  enum class Verdict {
    kTake,      // Part of the chain, or held outside the log already.
    kLeaveOut,  // Behind a break.
    kLost,      // Behind a break, and tells that something before it was on disk.
  };
  // `link` is nothing for a record without a sound link or with a wrong checksum.
  Verdict Next(const std::optional<GroupLink>& link);

  // The last good group so far.
  ChainEnd end() const { return end_; }
  bool broken() const { return broken_; }
  bool lost() const { return lost_; }

 private:
  Limits limits_;
  ChainEnd end_;
  bool broken_ = false;
  bool lost_ = false;
};

}  // namespace firn::internal

#endif  // FIRN_ENGINE_GROUP_LINK_H_
