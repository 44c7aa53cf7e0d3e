#include "tests/crash/ledger.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <set>
#include <utility>
#include <vector>

#include "firn/firn.h"

namespace firn::test {
namespace {

using Kind = LedgerChange::Kind;
using Condition = LedgerOperation::Condition;

constexpr uint32_t kKeys = 300;  // Above: a key of each writer's own.

std::string KeyText(uint32_t key) {
  if (key >= kKeys) return "writer/" + std::to_string(key - kKeys);
  const std::string digits = std::to_string(key);
  return "key/" + std::string(4 - digits.size(), '0') + digits;
}

std::string ValueText(uint64_t id, uint32_t bytes) {
  std::string value = std::to_string(id) + ".";
  if (value.size() < bytes) value.resize(bytes, static_cast<char>('a' + id % 26));
  return value;
}
uint64_t IdOf(const std::string& value) { return std::strtoull(value.c_str(), nullptr, 10); }

struct Commit {
  uint64_t ts;
  const LedgerOperation* operation;
};

// The commit of an operation that never returned, if the Db shows it.
std::optional<uint64_t> FindCommit(const LedgerOperation& operation, const DiskState& entries) {
  for (uint32_t i = 0; i < operation.change_count; ++i) {
    const LedgerChange& change = operation.changes[i];
    if (change.kind != Kind::kPut) continue;
    const auto found = entries.find(KeyText(change.key));
    if (found != entries.end() && IdOf(found->second.first) == operation.id) {
      return found->second.second;
    }
  }
  return std::nullopt;
}

class Replay {
 public:
  Replay(const RecoveredState& before, const std::set<uint64_t>& in_doubt)
      : state_(before.entries), in_doubt_(in_doubt) {}

  // What is wrong, or nothing.
  std::string Apply(const Commit& commit) {
    const LedgerOperation& operation = *commit.operation;
    if (std::string wrong = CheckCondition(commit); !wrong.empty()) return wrong;
    for (uint32_t i = 0; i < operation.change_count; ++i) {
      const LedgerChange& change = operation.changes[i];
      const std::string key = KeyText(change.key);
      switch (change.kind) {
        case Kind::kPut:
          state_[key] = {ValueText(operation.id, change.bytes), commit.ts};
          break;
        case Kind::kDelete:
          state_.erase(key);
          break;
        case Kind::kDeleteRange:
          state_.erase(state_.lower_bound(key), state_.lower_bound(KeyText(change.upper)));
          break;
      }
    }
    return "";
  }
  const DiskState& state() const { return state_; }

 private:
  std::string CheckCondition(const Commit& commit) const {
    const LedgerOperation& operation = *commit.operation;
    // What one in doubt did is not known here.
    if (operation.condition == Condition::kNone || in_doubt_.contains(operation.expected_id))
      return "";
    const auto found = state_.find(KeyText(operation.changes[0].key));
    const bool absent = found == state_.end();
    if (operation.condition == Condition::kAbsent && (absent || !in_doubt_.empty())) return "";
    if (operation.condition == Condition::kValue && !absent &&
        found->second.first == ValueText(operation.expected_id, operation.expected_bytes)) {
      return "";
    }
    return "the condition of operation " + std::to_string(operation.id) +
           " did not hold at its place in the order, " + std::to_string(commit.ts);
  }

  DiskState state_;
  const std::set<uint64_t>& in_doubt_;
};

std::string Compare(const DiskState& expected, const DiskState& found,
                    const std::set<std::string>& maybe_deleted) {
  for (const auto& [key, entry] : expected) {
    const auto other = found.find(key);
    if (other == found.end() && maybe_deleted.contains(key)) continue;
    if (other == found.end()) return key + " is missing, of commit " + std::to_string(entry.second);
    if (other->second != entry) {
      return key + " is of commit " + std::to_string(other->second.second) + ", not " +
             std::to_string(entry.second);
    }
  }
  for (const auto& [key, entry] : found) {
    if (!expected.contains(key))
      return key + " is there, of commit " + std::to_string(entry.second);
  }
  return "";
}

}  // namespace

Ledger::Ledger()
    : shared_(static_cast<Shared*>(mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE,
                                        MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0))) {
  if (shared_ == MAP_FAILED) std::abort();
  Clear();
}

Ledger::~Ledger() { munmap(shared_, sizeof(Shared)); }

void Ledger::Clear() {
  shared_->promises_ended.store(false, std::memory_order_relaxed);
  for (Part& each : shared_->parts) each.count.store(0, std::memory_order_relaxed);
}

uint64_t Ledger::operation_count() const {
  uint64_t count = 0;
  for (const Part& each : shared_->parts) count += each.count.load(std::memory_order_acquire);
  return count;
}

RecoveredState StateOf(const Db& db) { return {db.LatestCommitTs().value, EntriesOf(db)}; }

std::string Judge(const RecoveredState& before, const Ledger& ledger, Durability survives,
                  const RecoveredState& recovered) {
  std::vector<Commit> commits;
  std::set<uint64_t> in_doubt;
  std::set<std::string> maybe_deleted;
  for (uint32_t writer = 0; writer < Ledger::kWriters; ++writer) {
    const Ledger::Part& part = ledger.part(writer);
    for (uint64_t i = 0; i < part.count.load(std::memory_order_acquire); ++i) {
      const LedgerOperation& operation = part.operations[i];
      const uint64_t outcome = operation.outcome.load(std::memory_order_acquire);
      if (outcome == LedgerOperation::kNoCommit) continue;
      if (outcome != LedgerOperation::kInDoubt) {
        if (operation.promised.load(std::memory_order_relaxed) >= survives &&
            outcome > recovered.ts) {
          return "lost: commit " + std::to_string(outcome) + " was acknowledged, the Db is at " +
                 std::to_string(recovered.ts);
        }
        commits.push_back({outcome, &operation});
      } else if (const auto ts = FindCommit(operation, recovered.entries)) {
        commits.push_back({*ts, &operation});
      } else {
        in_doubt.insert(operation.id);
        const LedgerChange& only = operation.changes[0];
        if (only.kind == Kind::kDelete) maybe_deleted.insert(KeyText(only.key));
      }
    }
  }
  std::sort(commits.begin(), commits.end(),
            [](const Commit& a, const Commit& b) { return a.ts < b.ts; });
  Replay replay(before, in_doubt);
  uint64_t last = before.ts;
  for (const Commit& commit : commits) {
    if (commit.ts > recovered.ts) break;
    if (commit.ts <= last) return "two commits at " + std::to_string(commit.ts);
    last = commit.ts;
    if (std::string wrong = replay.Apply(commit); !wrong.empty()) return wrong;
  }
  if (last != recovered.ts && in_doubt.empty()) {
    return "the Db is at " + std::to_string(recovered.ts) + ", which is no commit";
  }
  return Compare(replay.state(), recovered.entries, maybe_deleted);
}

namespace {

// One writer's loop.
class RandomWriter {
 public:
  RandomWriter(Db& db, Ledger& ledger, const WriterOptions& options, Random random)
      : db_(db),
        ledger_(ledger),
        part_(ledger.part(options.writer)),
        options_(options),
        random_(random) {}

  absl::Status Run() {
    for (uint64_t i = 0; i < options_.operation_count; ++i) {
      const uint64_t at = part_.count.load(std::memory_order_relaxed);
      if (at == Ledger::kMostOperations) break;
      LedgerOperation& operation = part_.operations[at];
      operation.id = options_.id_base + (uint64_t{options_.writer} << 20) + at + 1;
      operation.condition = Condition::kNone;
      operation.expected_id = 0;
      operation.change_count = 0;
      operation.promised.store(Durability::kMemory, std::memory_order_relaxed);
      operation.outcome.store(LedgerOperation::kInDoubt, std::memory_order_relaxed);
      if (absl::Status status = RunOne(operation); !status.ok()) return status;
    }
    return absl::OkStatus();
  }

 private:
  using Outcome = absl::StatusOr<std::optional<CommitTs>>;

  absl::Status RunOne(LedgerOperation& operation) {
    WriteOptions write;
    if (options_.raise && random_.OneIn(8)) {
      write.durability =
          random_.OneIn(2) ? Durability::kSync : std::max(options_.level, Durability::kBuffered);
    }
    const Durability level = std::max(options_.level, write.durability.value_or(options_.level));
    Outcome outcome = std::nullopt;
    switch (random_.Below(8)) {
      case 0:
      case 1:
        outcome = WriteBatchOf(operation, write);
        break;
      case 2:
        outcome = CompareAndSet(operation, write);
        break;
      case 3: {
        AddPut(operation, RandomKey());
        operation.condition = Condition::kAbsent;
        Announce();
        const auto result = db_.LoadOrStore(KeyOf(operation), ValueOf(operation), write);
        if (!result.ok()) return result.status();
        if (!result->loaded) outcome = std::optional(result->commit_ts);
        break;
      }
      default:
        AddPut(operation, RandomKey());
        Announce();
        outcome = db_.Put(KeyOf(operation), ValueOf(operation), write);
    }
    if (!outcome.ok()) return outcome.status();
    if (!ledger_.promises_ended().load(std::memory_order_seq_cst)) {
      operation.promised.store(level, std::memory_order_relaxed);
    }
    operation.outcome.store(*outcome ? (*outcome)->value : LedgerOperation::kNoCommit,
                            std::memory_order_release);
    return absl::OkStatus();
  }

  Outcome WriteBatchOf(LedgerOperation& operation, const WriteOptions& write) {
    WriteBatch batch;
    std::set<uint32_t> keys;  // Each once: what a batch does with a key twice is tested elsewhere.
    if (random_.OneIn(3)) {
      const auto from = static_cast<uint32_t>(random_.Below(kKeys));
      const auto to =
          static_cast<uint32_t>(std::min<uint64_t>(kKeys - 1, from + random_.Below(30)));
      operation.changes[operation.change_count++] = {Kind::kDeleteRange, from, to, 0};
      batch.DeleteRange({KeyText(from), KeyText(to)});
    }
    for (uint64_t left = random_.Below(10); left > 0; --left) {
      const uint32_t key = RandomKey();
      if (!keys.insert(key).second) continue;
      if (random_.OneIn(4)) {
        operation.changes[operation.change_count++] = {Kind::kDelete, key, 0, 0};
        batch.Delete(KeyText(key));
      } else {
        AddPut(operation, key);
        batch.Put(KeyText(key),
                  ValueText(operation.id, operation.changes[operation.change_count - 1].bytes));
      }
    }
    // By this key one that did not return is found again.
    AddPut(operation, kKeys + options_.writer);
    batch.Put(KeyText(kKeys + options_.writer),
              ValueText(operation.id, operation.changes[operation.change_count - 1].bytes));
    Announce();
    return db_.Write(batch, write);
  }

  Outcome CompareAndSet(LedgerOperation& operation, const WriteOptions& write) {
    const uint32_t key = RandomKey();
    absl::StatusOr<std::optional<std::string>> seen = db_.Get(KeyText(key));
    if (!seen.ok()) return seen.status();
    if (*seen) {
      operation.condition = Condition::kValue;
      operation.expected_id = IdOf(**seen);
      operation.expected_bytes = static_cast<uint32_t>((*seen)->size());
    } else {
      operation.condition = Condition::kAbsent;
    }
    if (*seen && random_.OneIn(3)) {
      operation.changes[operation.change_count++] = {Kind::kDelete, key, 0, 0};
      Announce();
      return db_.CompareAndDelete(KeyText(key), **seen, write);
    }
    AddPut(operation, key);
    Announce();
    const std::optional<std::string_view> expected =
        *seen ? std::optional<std::string_view>(**seen) : std::nullopt;
    return db_.CompareAndSwap(KeyText(key), expected, ValueOf(operation), write);
  }

  // Written down before the call.
  void Announce() { part_.count.fetch_add(1, std::memory_order_release); }

  uint32_t RandomKey() { return static_cast<uint32_t>(random_.Below(kKeys)); }
  void AddPut(LedgerOperation& operation, uint32_t key) {
    const uint64_t bytes = random_.OneIn(30) ? random_.Below(5000) : random_.Below(300);
    operation.changes[operation.change_count++] = {Kind::kPut, key, 0,
                                                   static_cast<uint32_t>(bytes)};
  }
  static std::string KeyOf(const LedgerOperation& operation) {
    return KeyText(operation.changes[0].key);
  }
  static std::string ValueOf(const LedgerOperation& operation) {
    return ValueText(operation.id, operation.changes[0].bytes);
  }

  Db& db_;
  Ledger& ledger_;
  Ledger::Part& part_;
  const WriterOptions options_;
  Random random_;
};

}  // namespace

absl::Status WriteAtRandom(Db& db, Ledger& ledger, const WriterOptions& options, Random random) {
  return RandomWriter(db, ledger, options, random).Run();
}

}  // namespace firn::test
