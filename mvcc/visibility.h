// Who sees which version: the one home of these rules.
#ifndef FIRN_MVCC_VISIBILITY_H_
#define FIRN_MVCC_VISIBILITY_H_

#include <cstdint>

#include "mvcc/pinned_set.h"

namespace firn::internal {

// Whether a reader at `read_ts` sees commits of `commit_ts`. Of a key's versions that it sees
// it reads the newest.
constexpr bool IsVisible(uint64_t commit_ts, uint64_t read_ts) { return commit_ts <= read_ts; }

// Whether nobody, now or later, reads a version that is the newest of its key during
// [begin, end). A newest version has no end and always stays; so does every version that
// ends above the horizon, since a snapshot may yet be opened inside it.
inline bool MayDrop(uint64_t begin, uint64_t end, const PinnedSet& pinned) {
  return end <= pinned.horizon && !pinned.Seen(begin, end);
}

// Whether the newest version of a key, a tombstone committed at `begin`, says nothing that its
// absence would not say: everybody who will ever look sees it, and nothing older of the key
// remains that it hides. Only a freeze knows that of a whole key.
inline bool MayDropTombstone(uint64_t begin, const PinnedSet& pinned, bool older_remains) {
  return begin <= pinned.horizon && !older_remains;
}

}  // namespace firn::internal

#endif  // FIRN_MVCC_VISIBILITY_H_
