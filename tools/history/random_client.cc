#include "tools/history/random_client.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"

namespace firn::history {
namespace {

constexpr size_t kHotKeys = 12;
constexpr size_t kMostSnapshots = 4;
constexpr size_t kMostWalkers = 4;

}  // namespace

// Of 10,000 calls.
const RandomClient::Habit RandomClient::kHabits[] = {
    {900, &RandomClient::Get},
    {500, &RandomClient::GetPinned},
    {500, &RandomClient::MultiGet},
    {300, &RandomClient::Contains},
    {200, &RandomClient::RangeCallback},
    {200, &RandomClient::RangeFor},
    {400, &RandomClient::TakeSnapshot},
    {200, &RandomClient::ReplaceWalker},
    {1400, &RandomClient::Walk},
    {1600, &RandomClient::Put},
    {600, &RandomClient::Delete},
    {600, &RandomClient::WriteBatch},
    {50, &RandomClient::WriteNothing},
    {100, &RandomClient::DeleteRange},
    {2, &RandomClient::Clear},
    {300, &RandomClient::LoadOrStore},
    {300, &RandomClient::LazyLoadOrStore},
    {300, &RandomClient::LoadAndDelete},
    {400, &RandomClient::Swap},
    {800, &RandomClient::CompareAndSwap},
    {340, &RandomClient::CompareAndDelete},
    {8, &RandomClient::Care},
};

RandomClient::RandomClient(uint32_t client, uint64_t seed, const KeySet& keys)
    : keys_(keys), recorder_(client, keys), random_(seed), remembered_(keys.size(), kAbsent) {
  for (const Habit& habit : kHabits) total_weight_ += habit.weight;
}

void RandomClient::Use(Db* db, const std::vector<Snapshot>* shared, bool on_disk) {
  recorder_.Use(db);
  shared_ = shared;
  on_disk_ = on_disk;
}

void RandomClient::MakeCall() {
  uint64_t roll = Below(total_weight_);
  for (const Habit& habit : kHabits) {
    if (roll < habit.weight) return (this->*habit.call)();
    roll -= habit.weight;
  }
}

void RandomClient::AddHeld(std::vector<CommitTs>* held) const {
  for (const Snapshot& snapshot : snapshots_) held->push_back(snapshot.ts());
  for (const Walker& walker : walkers_) {
    if (const std::optional<CommitTs> ts = walker.iterator.read_ts()) held->push_back(*ts);
  }
}

void RandomClient::DropViews() {
  snapshots_.clear();
  walkers_.clear();
}

// --- Random material.

KeyIndex RandomClient::AnyKey() {
  if (OneIn(2)) return static_cast<KeyIndex>(Below(keys_.size()));
  // Spread over the whole, so that they stand in different leaves.
  return static_cast<KeyIndex>(Below(kHotKeys) * keys_.size() / kHotKeys);
}

KeySpan RandomClient::AnySpan() {
  if (OneIn(20)) return keys_.all();
  const auto lower = static_cast<KeyIndex>(Below(keys_.size()));
  const uint64_t upper = lower + Below(40);
  return {lower, static_cast<KeyIndex>(std::min<uint64_t>(upper, keys_.size()))};
}

const Snapshot* RandomClient::AnySnapshot() {
  const size_t count = snapshots_.size() + shared_->size();
  if (count == 0) return nullptr;
  const size_t picked = Below(count);
  return picked < snapshots_.size() ? &snapshots_[picked] : &(*shared_)[picked - snapshots_.size()];
}

const Snapshot* RandomClient::AnyView() { return OneIn(2) ? AnySnapshot() : nullptr; }

WriteOptions RandomClient::AnyWriteOptions() {
  WriteOptions options;
  if (on_disk_ && OneIn(400)) options.durability = Durability::kBuffered;
  if (on_disk_ && OneIn(4000)) options.durability = Durability::kSync;
  return options;
}

// Now and then one of long ago.
ValueId RandomClient::LikelyValue(KeyIndex key) {
  if (!OneIn(6)) remembered_[key] = recorder_.Get(nullptr, key);
  return remembered_[key];
}

// --- Calls.

void RandomClient::MultiGet() {
  std::vector<KeyIndex> keys(1 + Below(8));
  for (KeyIndex& key : keys) key = AnyKey();
  recorder_.MultiGet(AnyView(), keys);
}

void RandomClient::RangeFor() {
  if (const Snapshot* view = AnySnapshot()) recorder_.RangeFor(*view, AnySpan(), AnyLength());
}

// Half of them live for a few calls, the others for many.
void RandomClient::TakeSnapshot() {
  Snapshot snapshot = recorder_.TakeSnapshot("soak");
  if (OneIn(8)) snapshot = snapshot.Clone();
  if (snapshots_.size() < kMostSnapshots) {
    snapshots_.push_back(std::move(snapshot));
  } else {
    snapshots_[OneIn(2) ? 0 : Below(kMostSnapshots)] = std::move(snapshot);
  }
}

void RandomClient::ReplaceWalker() {
  Walker walker = recorder_.NewWalker(AnyView(), OneIn(2) ? AnySpan() : keys_.all(), OneIn(6));
  if (walkers_.size() < kMostWalkers) {
    walkers_.push_back(std::move(walker));
  } else {
    walkers_[OneIn(2) ? 0 : Below(kMostWalkers)] = std::move(walker);
  }
}

void RandomClient::Walk() {
  if (walkers_.empty()) return ReplaceWalker();
  Walker& walker = walkers_[Below(walkers_.size())];
  if (walker.of_db && OneIn(8)) recorder_.Refresh(walker);
  if (OneIn(16)) walker.iterator = walker.iterator.Clone();  // Goes on as the first would have.
  std::optional<KeyIndex> seek;
  if (!walker.positioned || OneIn(4)) seek = AnyKey();
  recorder_.Walk(walker, OneIn(2), seek, AnyLength());
}

void RandomClient::WriteBatch() {
  std::vector<WriteStep> steps(2 + Below(6));
  for (WriteStep& step : steps) {
    const KeyIndex key = AnyKey();
    step.keys = {key, key + 1};
    step.kind = OneIn(4) ? WriteStep::Kind::kDelete : WriteStep::Kind::kPut;
    if (!OneIn(12)) continue;
    step.kind = WriteStep::Kind::kDeleteRange;
    step.keys = AnySpan();
  }
  recorder_.Write(std::move(steps), AnyWriteOptions());
}

void RandomClient::CompareAndSwap() {
  const KeyIndex key = AnyKey();
  recorder_.CompareAndSwap(key, LikelyValue(key));
}

void RandomClient::CompareAndDelete() {
  const KeyIndex key = AnyKey();
  recorder_.CompareAndDelete(key, LikelyValue(key));
}

void RandomClient::Care() {
  recorder_.Care([this](Db& db) {
    switch (Below(4)) {
      case 0:
        return db.VerifyInvariants();
      case 1:
        return db.LiveSnapshots().status();
      case 2:
        return on_disk_ && OneIn(8) ? db.Flush() : absl::OkStatus();
      default:
        return db.Settle();
    }
  });
}

}  // namespace firn::history
