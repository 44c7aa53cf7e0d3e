// Calls of a Db that write down what they did and saw.
#ifndef FIRN_TOOLS_HISTORY_RECORDER_H_
#define FIRN_TOOLS_HISTORY_RECORDER_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "firn/db.h"
#include "tools/history/history.h"
#include "tools/history/material.h"

namespace firn::history {

// An iterator that may stand still between two walks while everything changes.
struct Walker {
  Iterator iterator;
  KeySpan bounds;
  bool of_db;  // May be refreshed.
  bool keys_only;
  bool positioned = false;
  // Once positioned: a forward move shows the first key from `next` on, a backward one the last
  // below `prev`. Of a walker at a key these are its two neighbours, of one off an end both are
  // that end.
  KeyIndex next = 0;
  KeyIndex prev = 0;
};

// A Recorder makes the calls of one client and appends each to a log of its own: it shares nothing
// with other recorders but the Db.
//
// Thread-safety: one thread at a time.
// Lifetime: the Db and the keys outlive it; the Db may be replaced by another between calls.
class Recorder {
 public:
  Recorder(uint32_t client, const KeySet& keys);

  void Use(Db* db) { db_ = db; }
  // What was recorded since the last call.
  Log TakeLog();
  uint64_t call_count() const { return log_.first_number + log_.operations.size(); }

  // --- Reads, through `view` or (null) straight from the Db.
  ValueId Get(const Snapshot* view, KeyIndex key);
  void GetPinned(const Snapshot* view, KeyIndex key);
  void MultiGet(const Snapshot* view, const std::vector<KeyIndex>& keys);
  void Contains(const Snapshot* view, KeyIndex key);
  // Stops after `most` entries.
  void RangeCallback(const Snapshot* view, KeySpan span, size_t most);
  void RangeFor(const Snapshot& view, KeySpan span, size_t most);

  // --- Views.
  Snapshot TakeSnapshot(const std::string& label);
  Walker NewWalker(const Snapshot* view, KeySpan bounds, bool keys_only) const;
  // At most `steps` entries in one direction: from where the walker stands, or from a key sought
  // first. Requires: a walker that is not positioned seeks.
  void Walk(Walker& walker, bool forward, std::optional<KeyIndex> seek, size_t steps);

  // Of an iterator made from the Db: its next walk seeks, and sees what is then newest.
  void Refresh(Walker& walker);
  // Work that changes nothing that a client could see.
  void Care(absl::FunctionRef<absl::Status(Db& db)> work);

  // --- Writes.
  void Put(KeyIndex key, const WriteOptions& options = {});
  void Delete(KeyIndex key);
  void DeleteRange(KeySpan span);
  void Clear();
  // Puts (the values are chosen here), deletes and range deletes.
  void Write(std::vector<WriteStep> steps, const WriteOptions& options = {});
  void WriteNothing();
  void LoadOrStore(KeyIndex key);
  void LazyLoadOrStore(KeyIndex key);
  void LoadAndDelete(KeyIndex key);
  void Swap(KeyIndex key);
  void CompareAndSwap(KeyIndex key, ValueId expected);
  void CompareAndDelete(KeyIndex key, ValueId expected);

 private:
  Operation Begin(Verb verb) const;
  void End(Operation& operation) const;
  void Append(Operation operation, const absl::Status& status);
  template <class Call>
  auto From(const Snapshot* view, Call call) const;
  template <class Result, class Note>
  void AppendRead(Operation operation, const Snapshot* view, const Result& result, Note note);
  void AppendCommit(Operation operation, const absl::StatusOr<CommitTs>& committed);
  void AppendExchange(Operation operation, KeyIndex key,
                      const absl::StatusOr<ExchangeResult>& result);
  void AppendLoadOrStore(Operation operation, KeyIndex key, ValueId value,
                         const absl::StatusOr<LoadOrStoreResult>& result);
  void AppendCompared(Operation operation, KeyIndex key, ValueId expected,
                      const absl::StatusOr<std::optional<CommitTs>>& committed);
  ValueId NewValue() { return ValueOf(log_.client, ++values_); }
  IteratorOptions Bounds(KeySpan span) const;
  // Returns the key.
  KeyIndex NoteEntry(const Walker& walker, Operation& operation) const;

  const KeySet& keys_;
  Db* db_ = nullptr;
  uint64_t values_ = 0;
  Log log_;
};

}  // namespace firn::history

#endif  // FIRN_TOOLS_HISTORY_RECORDER_H_
