// What a process that may die at any moment was doing, kept where its death cannot reach.
#ifndef FIRN_TESTS_CRASH_LEDGER_H_
#define FIRN_TESTS_CRASH_LEDGER_H_

#include <atomic>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "firn/db.h"
#include "firn/options.h"
#include "tests/crash/damaged_files.h"
#include "tests/support/random.h"

namespace firn::test {

// One key's change within an operation. Keys and values are numbers here, so that an operation
// has a fixed size.
struct LedgerChange {
  enum class Kind : uint8_t { kPut, kDelete, kDeleteRange };
  Kind kind = Kind::kPut;
  uint32_t key = 0;
  uint32_t upper = 0;  // Of a range; exclusive.
  uint32_t bytes = 0;  // Of the value.
};

// One call of a writer.
struct LedgerOperation {
  static constexpr uint64_t kInDoubt = 0;   // Not returned yet.
  static constexpr uint64_t kNoCommit = 1;  // Its condition did not hold, or it changed nothing.
  static constexpr uint32_t kMostChanges = 12;

  enum class Condition : uint8_t { kNone, kAbsent, kValue };

  uint64_t id = 0;  // Unique; its values begin with it.
  Condition condition = Condition::kNone;
  uint64_t expected_id = 0;
  uint32_t expected_bytes = 0;
  uint32_t change_count = 0;
  LedgerChange changes[kMostChanges];
  // Written by the writer when the call has returned: first how durable it then was, or kMemory if
  // that is not promised; then the commit timestamp or one of the constants above.
  std::atomic<Durability> promised{Durability::kMemory};
  std::atomic<uint64_t> outcome{kInDoubt};
};

// In memory shared with the child: what it stores is there whatever becomes of it.
//
//   Writer: each writer thread of the child its own part; the parent while there is no child.
//   Reader: whoever judges, after the writing process has ended.
class Ledger {
 public:
  static constexpr uint32_t kWriters = 4;
  static constexpr uint32_t kMostOperations = 20'000;

  struct Part {
    std::atomic<uint64_t> count;  // Raised when an operation is written down, before its call.
    LedgerOperation operations[kMostOperations];
  };

  Ledger();
  ~Ledger();
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;

  Part& part(uint32_t writer) { return shared_->parts[writer]; }
  const Part& part(uint32_t writer) const { return shared_->parts[writer]; }
  // From now on nothing more is promised: the power may be gone already.
  std::atomic<bool>& promises_ended() { return shared_->promises_ended; }

  void Clear();
  uint64_t operation_count() const;

 private:
  struct Shared {
    std::atomic<bool> promises_ended;
    Part parts[kWriters];
  };
  Shared* const shared_;
};

// A Db at one moment.
struct RecoveredState {
  uint64_t ts = 0;
  DiskState entries;
};
RecoveredState StateOf(const Db& db);

// Whether `recovered` is `before` and the commits of `ledger` up to one timestamp, all of them and
// nothing else, among them all that were promised at `survives` or above. Returns what is wrong, or
// nothing.
std::string Judge(const RecoveredState& before, const Ledger& ledger, Durability survives,
                  const RecoveredState& recovered);

struct WriterOptions {
  uint32_t writer = 0;
  Durability level = Durability::kBuffered;  // Of the Db.
  bool raise = false;                        // Some writes ask for more.
  uint64_t id_base = 0;
  uint64_t operation_count = Ledger::kMostOperations;
};
// Puts, deletes, batches with range deletes, conditional verbs, until `operation_count` are done
// or one fails; that one stays in doubt.
absl::Status WriteAtRandom(Db& db, Ledger& ledger, const WriterOptions& options, Random random);

}  // namespace firn::test

#endif  // FIRN_TESTS_CRASH_LEDGER_H_
