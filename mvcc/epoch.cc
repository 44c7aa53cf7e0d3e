#include "mvcc/epoch.h"

#include <algorithm>
#include <new>
#include <vector>

#include "mvcc/hazard.h"
#include "mvcc/thread_ordinal.h"

namespace firn::internal {
namespace {

// Gives the thread's record back when the thread ends. A guard that other thread-local
// destructors open after this one gets a record just for itself.
struct RecordReturner {
  bool* ending;
  ~RecordReturner();
};

thread_local constinit bool thread_is_ending = false;

}  // namespace

constinit Immortal<EpochDomain> global_epochs;
thread_local constinit EpochDomain::Record* epoch_record = nullptr;

namespace {

RecordReturner::~RecordReturner() {
  *ending = true;
  if (epoch_record == nullptr) return;
  FIRN_CHECK(epoch_record->depth == 0);
  GlobalEpochs().Unregister(*epoch_record);
  epoch_record = nullptr;
}

}  // namespace

EpochDomain::Record& EpochGuard::RegisterThisThread() {
  EpochDomain::Record& record = GlobalEpochs().Register();
  record.unregister_at_exit = thread_is_ending;
  epoch_record = &record;
  if (!thread_is_ending) {
    thread_local RecordReturner returner{&thread_is_ending};
    (void)returner;
  }
  return record;
}

void EpochGuard::UnregisterThisThread() {
  GlobalEpochs().Unregister(*epoch_record);
  epoch_record = nullptr;
}

void RetiredList::Queue::Push(Retired* object) {
  object->next = nullptr;
  *last = object;
  last = &object->next;
}

Retired* RetiredList::Queue::Pop() {
  Retired* object = first;
  first = object->next;
  if (first == nullptr) last = &first;
  return object;
}

RetiredList::~RetiredList() { FIRN_CHECK(count() == 0); }

void RetiredList::Retire(Retired* object) noexcept {
  AtSchedulePoint("retired:retire");
  Shard& shard = shards_[ThreadOrdinal() % kShards];
  MutexLock lock(shard.mu);
  object->next = shard.first;
  shard.first = object;
  // Under mu, so a plain load and store would lose nothing; only their readers are outside.
  shard.retired_bytes.store(shard.retired_bytes.load(std::memory_order_relaxed) + object->bytes,
                            std::memory_order_relaxed);
  shard.retired_count.store(shard.retired_count.load(std::memory_order_relaxed) + 1,
                            std::memory_order_relaxed);
}

void RetiredList::TakeShards(EpochDomain& epochs) {
  Retired* taken = nullptr;
  for (Shard& shard : shards_) {
    if (shard.retired_count.load(std::memory_order_relaxed) == shard.taken_count) continue;
    MutexLock lock(shard.mu);
    shard.taken_count = shard.retired_count.load(std::memory_order_relaxed);
    while (shard.first != nullptr) {
      Retired* object = shard.first;
      shard.first = object->next;
      object->next = taken;
      taken = object;
    }
  }
  if (taken == nullptr) return;
  AtSchedulePoint("retired:before_tag");
  const uint64_t tag = epochs.DrawTag();
  while (taken != nullptr) {
    Retired* object = taken;
    taken = object->next;
    object->tag = tag;
    waiting_.Push(object);
  }
}

size_t RetiredList::Reclaim(HazardSet& hazards, void* context) noexcept {
  EpochDomain& epochs = GlobalEpochs();
  if (!reclaim_mu_.TryLock()) return 0;
  TakeShards(epochs);
  // Twice: if nobody is inside a guard, what was just tagged is safe at once.
  if (waiting_.first != nullptr && epochs.TryAdvance()) epochs.TryAdvance();
  AtSchedulePoint("retired:before_grace_check");

  // First see grace periods end, then scan the hazard slots.
  while (waiting_.first != nullptr && epochs.IsSafe(waiting_.first->tag)) {
    Park(waiting_.Pop(), context);
  }
  AtSchedulePoint("retired:before_hazard_scan");
  Retired* free = TakeUnnamed(hazards);
  reclaim_mu_.Unlock();
  return Destroy(free, context);
}

void RetiredList::Park(Retired* object, void* context) {
  if (object->grace_ended != nullptr) object->grace_ended(object, context);
  object->next = parked_;
  parked_ = object;
}

Retired* RetiredList::TakeUnnamed(HazardSet& hazards) {
  if (parked_ == nullptr) return nullptr;
  try {
    hazards.Collect(&named_);
  } catch (const std::bad_alloc&) {
    return nullptr;  // They stay parked until a later call.
  }
  Retired* taken = nullptr;
  Retired** link = &parked_;
  while (Retired* object = *link) {
    if (HazardSet::Contains(named_, object)) {
      link = &object->next;
    } else {
      *link = object->next;
      object->next = taken;
      taken = object;
    }
  }
  return taken;
}

size_t RetiredList::Destroy(Retired* list, void* context) noexcept {
  size_t destroyed = 0;
  while (list != nullptr) {
    Retired* object = list;
    list = object->next;
    const size_t bytes = object->bytes;
    object->destroy(object, context);
    destroyed_bytes_.fetch_add(bytes, std::memory_order_relaxed);
    ++destroyed;
  }
  destroyed_count_.fetch_add(destroyed, std::memory_order_relaxed);
  return destroyed;
}

void RetiredList::DrainAll(void* context) noexcept {
  while (true) {  // Again for what the callbacks retire.
    Retired* all;
    {
      MutexLock lock(reclaim_mu_);
      TakeShards(GlobalEpochs());
      while (waiting_.first != nullptr) Park(waiting_.Pop(), context);
      all = parked_;
      parked_ = nullptr;
    }
    if (all == nullptr) return;
    Destroy(all, context);
  }
}

size_t RetiredList::bytes() const {
  // Destroyed first: what is counted as destroyed was counted as retired before.
  const size_t destroyed = destroyed_bytes_.load(std::memory_order_relaxed);
  size_t retired = 0;
  for (const Shard& shard : shards_) retired += shard.retired_bytes.load(std::memory_order_relaxed);
  return retired - std::min(retired, destroyed);
}

size_t RetiredList::count() const {
  const size_t destroyed = destroyed_count_.load(std::memory_order_relaxed);
  size_t retired = 0;
  for (const Shard& shard : shards_) retired += shard.retired_count.load(std::memory_order_relaxed);
  return retired - std::min(retired, destroyed);
}

}  // namespace firn::internal
