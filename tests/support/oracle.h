// The oracle: what a Db should contain, kept in the plainest way there is.
#ifndef FIRN_TESTS_SUPPORT_ORACLE_H_
#define FIRN_TESTS_SUPPORT_ORACLE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <ostream>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "firn/options.h"
#include "firn/types.h"
#include "firn/write_batch.h"

namespace firn::test {

struct Entry {
  std::string key;
  std::string value;
  CommitTs commit_ts;

  friend bool operator==(const Entry&, const Entry&) = default;
};

// Prints bytes that are not plain text as \xNN and leaves out the middle of long strings.
std::string Printable(std::string_view bytes);
std::ostream& operator<<(std::ostream& out, const Entry& entry);

// IteratorOptions that own their strings.
struct Bounds {
  std::optional<std::string> lower = {};
  std::optional<std::string> upper = {};
  bool lower_inclusive = true;
  bool upper_inclusive = false;
  std::optional<std::string> prefix = {};
  bool keys_only = false;

  // Views into this object.
  IteratorOptions options() const;
  KeyRange range() const { return {.lower = lower, .upper = upper}; }
  bool crossed() const { return lower && upper && *lower > *upper; }
  bool Contains(std::string_view key) const;
};
std::ostream& operator<<(std::ostream& out, const Bounds& bounds);

// Every version ever committed, by key and timestamp; std::nullopt is a deletion.
//
// It restates the rules of visibility, of batches and of exact pruning on its own, slowly
// and without any structure that could be wrong. It forgets nothing.
// Thread-safety: one thread at a time.
class Oracle {
 public:
  // --- Commits, each with the timestamp that the Db gave it.
  void Put(CommitTs ts, const std::string& key, const std::string& value);
  void Delete(CommitTs ts, const std::string& key);
  void DeleteRange(CommitTs ts, const KeyRange& range);
  void Clear(CommitTs ts) { DeleteRange(ts, {}); }
  // The last operation per key wins; a range delete covers the operations before it.
  void Write(CommitTs ts, const WriteBatch& batch);

  // --- Views at any moment.
  std::optional<Entry> Find(const std::string& key, CommitTs ts) const;
  std::optional<std::string> Get(const std::string& key, CommitTs ts) const;
  // In key order.
  std::vector<Entry> View(CommitTs ts, const Bounds& bounds = {}) const;

  // --- What exact pruning leaves when snapshots at `pins` are alive.
  // A tombstone whose every older version is gone may stay if a pin sees it, or go:
  // nobody can tell the difference. Hence a range.
  struct VersionCount {
    uint64_t least = 0;
    uint64_t most = 0;
  };
  VersionCount CountKept(const std::set<CommitTs>& pins) const;
  // Values, not tombstones, that the snapshot at `pin` alone still sees.
  std::vector<Entry> SeenOnlyBy(CommitTs pin, const std::multiset<CommitTs>& pins) const;

 private:
  using Versions = std::map<CommitTs, std::optional<std::string>>;

  std::map<std::string, Versions> keys_;  // std::string compares as unsigned bytes.
};

// What an Iterator should do, on a view that was copied out of the oracle at its anchor.
class OracleCursor {
 public:
  // With `ts`: an iterator of the snapshot at `ts`. Without: one of the Db.
  OracleCursor(const Oracle* oracle, Bounds bounds, std::optional<CommitTs> ts);

  // `latest` is the newest commit: where a Db iterator anchors.
  void Seek(const std::string& target, CommitTs latest);
  void SeekForPrev(const std::string& target, CommitTs latest);
  void SeekToFirst(CommitTs latest);
  void SeekToLast(CommitTs latest);
  void Next();
  void Prev();
  void Refresh();

  bool Valid() const { return position_ == Position::kAt; }
  const Entry& entry() const { return view_[index_]; }
  std::optional<CommitTs> read_ts() const { return read_ts_; }
  bool of_snapshot() const { return of_snapshot_; }
  const Bounds& bounds() const { return bounds_; }

 private:
  enum class Position { kUnpositioned, kAt, kBeforeFirst, kAfterLast };

  void Anchor(CommitTs latest);
  // Entry `index`, where -1 is before the first and size() after the last.
  void StandAt(std::ptrdiff_t index);

  const Oracle* oracle_;
  Bounds bounds_;
  bool of_snapshot_;
  std::optional<CommitTs> read_ts_;
  std::vector<Entry> view_;
  Position position_ = Position::kUnpositioned;
  size_t index_ = 0;
};

}  // namespace firn::test

#endif  // FIRN_TESTS_SUPPORT_ORACLE_H_
