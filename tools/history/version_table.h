// Every version of every key, rebuilt from what was recorded.
#ifndef FIRN_TOOLS_HISTORY_VERSION_TABLE_H_
#define FIRN_TOOLS_HISTORY_VERSION_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "firn/types.h"
#include "tools/history/history.h"

namespace firn::history {

// Whose call it was; it names a version's writer when the phase that recorded it is long gone.
struct CallName {
  uint32_t client = 0;
  uint64_t number = 0;
  Verb verb = Verb::kGet;

  std::string Text() const;  // "client 3, call 812 (Swap)"
};

// What a key was from `begin` on, until the next version of the key.
struct Version {
  CommitTs begin;
  ValueId value;  // kAbsent: deleted, or never there.
  bool by_range;  // Deleted together with others.
  CallName writer;
};

// A VersionTable restates the rules of commits on its own: a version is the newest of its key
// until the next one begins, the last step of a batch on a key counts, and a range delete covers
// the steps before it.
//
// Thread-safety: one thread at a time.
class VersionTable {
 public:
  // Every key's first version is "absent" since before everything.
  explicit VersionTable(size_t key_count);

  // Requires: `ts` is above that of every commit applied before.
  void Apply(CommitTs ts, const std::vector<WriteStep>& steps, const CallName& writer);

  // Oldest first; never empty.
  const std::vector<Version>& versions(KeyIndex key) const { return keys_[key]; }
  // The index in versions(key) of the newest at `ts`.
  size_t NewestAt(KeyIndex key, CommitTs ts) const;
  size_t key_count() const { return keys_.size(); }

  // Drops what neither a reader of the newest state nor one at a moment of `held` sees.
  // Requires: `held` is sorted.
  void KeepOnly(const std::vector<CommitTs>& held);

 private:
  void Set(KeyIndex key, Version version);

  std::vector<std::vector<Version>> keys_;
};

}  // namespace firn::history

#endif  // FIRN_TOOLS_HISTORY_VERSION_TABLE_H_
