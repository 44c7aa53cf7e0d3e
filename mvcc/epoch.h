// Epochs: when memory that was unlinked can no longer be reached by anybody.
#ifndef FIRN_MVCC_EPOCH_H_
#define FIRN_MVCC_EPOCH_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "mvcc/atomics_policy.h"
#include "mvcc/check.h"
#include "mvcc/mutex.h"
#include "mvcc/schedule_point.h"

namespace firn::internal {

// A BasicEpochDomain lets readers look at shared memory without a lock, and tells writers when
// all who could have seen something unlinked are gone.
//
//   reader   Enter(): epoch e is current, announce e. Look around. Exit(): announce 0.
//   writer   unlink an object; tag <- DrawTag(), the current epoch t; later, when IsSafe(t),
//            that is t + 2 <= current, destroy it.
//   anybody  TryAdvance(): if every announced epoch is the current one, raise that by one.
//
// Why two steps are enough. Take a reader that announced e.
//   e > t   It read an epoch that was raised after the tag was drawn. The tag is drawn by a
//           read-modify-write, so the raise from t to t + 1 (another one) synchronizes with it,
//           and the reader with the raise: it sees the unlinking and cannot find the object. (A
//           plain load would not do, nor does x86 forgive it: the unlinking store could still be
//           on its way while the load already reads t.)
//   e <= t  The raise from t + 1 to t + 2 looked at the reader's record while t + 1 was current.
//           It did not find e there, or it would have refused. Had it looked before the
//           announcement, the reader's second look at the current epoch, which follows the
//           announcement (all of it seq_cst), would have found t + 1 or more and announced
//           that instead. So it found what the reader stored at its exit, or later: that is a
//           release, paired with the acquire here, and all that the reader did comes before
//           whatever follows IsSafe().
//
// Thread-safety: all methods from any thread; a Record belongs to one thread at a time.
template <class Policy>
class BasicEpochDomain {
 public:
  // What a thread announces.
  struct alignas(Policy::kCacheLineBytes) Record {
    // The epoch its guard entered at; 0: it is outside.
    //   Writer: Enter() and Exit(), the owner. Reader: TryAdvance(), any thread.
    //   Order:  see above: the announcement seq_cst, the exit release.
    typename Policy::template Atomic<uint64_t, Field::kThreadEpoch> epoch{0};

    // 1: a thread owns this record.
    //   Writer: Register() and Unregister(). Order: acquire and release, so that the next owner
    //   comes after all that the last one did.
    typename Policy::template Atomic<uint32_t, Field::kSlotState> owned{1};

    // The owner's alone.
    uint32_t depth = 0;
    bool unregister_at_exit = false;

    Record* next = nullptr;  // Immutable once linked.
  };

  constexpr BasicEpochDomain() = default;
  BasicEpochDomain(const BasicEpochDomain&) = delete;
  BasicEpochDomain& operator=(const BasicEpochDomain&) = delete;
  ~BasicEpochDomain() {
    Record* record = records_.load(std::memory_order_acquire);
    while (record != nullptr) {
      Record* next = record->next;
      delete record;
      record = next;
    }
  }

  // A record for the calling thread: one that a thread gave back, else a new one. Throws
  // std::bad_alloc.
  Record& Register() {
    for (Record* record = records_.load(std::memory_order_acquire); record != nullptr;
         record = record->next) {
      uint32_t owned = 0;
      if (record->owned.compare_exchange_strong(owned, 1, std::memory_order_acquire,
                                                std::memory_order_relaxed)) {
        return *record;
      }
    }
    auto* record = new Record;
    Record* first = records_.load(std::memory_order_relaxed);
    do {
      record->next = first;
    } while (!records_.compare_exchange_weak(first, record, std::memory_order_seq_cst,
                                             std::memory_order_relaxed));
    return *record;
  }
  // Requires: outside.
  void Unregister(Record& record) { record.owned.store(0, std::memory_order_release); }

  void Enter(Record& record) {
    uint64_t epoch = global_.load(std::memory_order_acquire);
    while (true) {
      AtSchedulePoint("epoch:before_announce");
      // An exchange, not a store and a fence: ThreadSanitizer does not model fences.
      record.epoch.exchange(epoch, std::memory_order_seq_cst);
      const uint64_t again = global_.load(std::memory_order_seq_cst);
      if (again == epoch) return;
      epoch = again;
    }
  }
  void Exit(Record& record) { record.epoch.store(0, std::memory_order_release); }

  uint64_t current() const { return global_.load(std::memory_order_acquire); }

  // For what the caller unlinked, or what it was handed through a lock by those who did.
  uint64_t DrawTag() { return global_.fetch_add(0, std::memory_order_acq_rel); }

  // Whether everybody who could have found something unlinked before `tag` was drawn is gone.
  bool IsSafe(uint64_t tag) const { return tag + 2 <= global_.load(std::memory_order_acquire); }

  // True if this call raised the epoch; false if a reader is behind, or another thread was faster.
  bool TryAdvance() {
    uint64_t epoch = global_.load(std::memory_order_seq_cst);
    for (Record* record = records_.load(std::memory_order_seq_cst); record != nullptr;
         record = record->next) {
      const uint64_t announced = record->epoch.load(std::memory_order_seq_cst);
      if (announced != 0 && announced != epoch) return false;
    }
    AtSchedulePoint("epoch:before_advance");
    return global_.compare_exchange_strong(epoch, epoch + 1, std::memory_order_seq_cst,
                                           std::memory_order_relaxed);
  }

 private:
  // The current epoch, from 1 on.
  //   Writer: TryAdvance(); DrawTag() rewrites the value it finds.
  //   Reader: Enter(), TryAdvance(), IsSafe().
  //   Order:  see above. Every write is a read-modify-write, so whoever reads a value comes
  //           after all the raises and tags before it.
  alignas(Policy::kCacheLineBytes)
      typename Policy::template Atomic<uint64_t, Field::kGlobalEpoch> global_{1};

  // All records, those given back too; the list only grows.
  //   Writer: Register(). Reader: Register(), TryAdvance().
  //   Order:  seq_cst: a scan that misses a record has to count as before its announcements.
  alignas(Policy::kCacheLineBytes)
      typename Policy::template Atomic<Record*, Field::kSegmentNext> records_{nullptr};
};

using EpochDomain = BasicEpochDomain<StdAtomics>;

// Keeps its value from being destroyed.
template <class T>
union Immortal {
  constexpr Immortal() : value() {}
  ~Immortal() {}
  T value;
};

// The one domain of the process. It is never destroyed: handles may outlive main().
extern constinit Immortal<EpochDomain> global_epochs;
inline EpochDomain& GlobalEpochs() { return global_epochs.value; }

// The calling thread's record of the global domain; null until its first guard.
// initial-exec: one load, no call.
extern thread_local constinit EpochDomain::Record* epoch_record
    __attribute__((tls_model("initial-exec")));

// Inside an EpochGuard's scope nothing is destroyed that was reachable at some time during it.
// A guard within a guard is free. None is ever held while user code runs, or while waiting.
//
// Thread-safety: ends on the thread it began on.
// Errors: the first guard of a thread may throw std::bad_alloc.
class EpochGuard {
 public:
  EpochGuard() : record_(epoch_record != nullptr ? *epoch_record : RegisterThisThread()) {
    if (record_.depth++ == 0) GlobalEpochs().Enter(record_);
  }
  ~EpochGuard() {
    if (--record_.depth != 0) return;
    GlobalEpochs().Exit(record_);
    if (record_.unregister_at_exit) [[unlikely]] {
      UnregisterThisThread();
    }
  }
  EpochGuard(const EpochGuard&) = delete;
  EpochGuard& operator=(const EpochGuard&) = delete;

  // Whether the calling thread is inside a guard.
  static bool IsHeld() { return epoch_record != nullptr && epoch_record->depth != 0; }

 private:
  static EpochDomain::Record& RegisterThisThread();
  static void UnregisterThisThread();

  EpochDomain::Record& record_;
};

// The head of an object that can be retired: intrusive, so that retiring never fails. Its address
// is what hazard slots name.
struct Retired {
  Retired* next = nullptr;
  uint64_t tag = 0;  // Drawn by RetiredList::Reclaim().
  size_t bytes = 0;  // What destroying it will give back; constant from Retire() on.

  // Called once, when no epoch guard can see the object any more, although a hazard slot may
  // still name it. May be null.
  void (*grace_ended)(Retired*, void* context) = nullptr;
  // Called once, when nobody can see the object any more; may free it.
  void (*destroy)(Retired*, void* context) = nullptr;
};

class HazardSet;

// A RetiredList holds what a map unlinked until nobody can look at it any more.
//
//   list      what stands there                                    leaves by
//   shards    just retired, no tag yet                             Reclaim() draws a tag for all
//   waiting   tagged, in the order of tags                         grace period over
//   parked    grace period over, but a hazard slot named it        no hazard slot names it
//
// The tag is drawn when Reclaim() takes an object over, not in Retire(): it needs a
// read-modify-write of the one global epoch (see BasicEpochDomain), which would be a cache line
// that all writers fight for. Later is safe, and the shard's lock orders the unlinking before it.
// Hazard slots are scanned after the grace period was seen to end: see BasicHazardSet.
//
// Thread-safety: Retire() and Reclaim() from any thread. The callbacks run on the thread that
//     reclaims; they may call Retire(), but not Reclaim().
// Lifetime: DrainAll() comes before the destructor.
class RetiredList {
 public:
  RetiredList() = default;
  RetiredList(const RetiredList&) = delete;
  RetiredList& operator=(const RetiredList&) = delete;
  ~RetiredList();

  // Requires: `object` is unlinked: no new reader can find it.
  void Retire(Retired* object) noexcept;

  // Destroys what nobody can look at any more and returns how many objects that were. Does
  // nothing if another thread is at it, or if there is no memory to collect the hazards.
  size_t Reclaim(HazardSet& hazards, void* context) noexcept;

  // Destroys everything, and what the callbacks retire meanwhile. Requires: no readers, no
  // other calls.
  void DrainAll(void* context) noexcept;

  // Of objects retired and not destroyed. Exact if nobody retires or reclaims meanwhile.
  size_t bytes() const;
  size_t count() const;

 private:
  // Of each thread's own, more or less: writers of different leaves do not meet here.
  static constexpr size_t kShards = 8;

  struct alignas(64) Shard {
    Mutex mu;
    Retired* first ABSL_GUARDED_BY(mu) = nullptr;
    // What was ever retired here.
    //   Writer: Retire(), under mu. Reader: bytes() and count(), anybody; the check for "anything
    //   new" in Reclaim(). Order: relaxed; only figures, and what a check misses, the next finds.
    std::atomic<size_t> retired_bytes{0};
    std::atomic<size_t> retired_count{0};
    // How much of that Reclaim() has taken over. Under the list's reclaim_mu_.
    size_t taken_count = 0;
  };

  // First in, first out.
  struct Queue {
    Retired* first = nullptr;
    Retired** last = &first;
    void Push(Retired* object);
    Retired* Pop();
  };

  void TakeShards(EpochDomain& epochs) ABSL_EXCLUSIVE_LOCKS_REQUIRED(reclaim_mu_);
  void Park(Retired* object, void* context) ABSL_EXCLUSIVE_LOCKS_REQUIRED(reclaim_mu_);
  Retired* TakeUnnamed(HazardSet& hazards) ABSL_EXCLUSIVE_LOCKS_REQUIRED(reclaim_mu_);
  size_t Destroy(Retired* list, void* context) noexcept;

  Shard shards_[kShards];

  // Held by the one that reclaims; never waited for, except by DrainAll(). Order: before a
  // shard's mu.
  alignas(64) Mutex reclaim_mu_;
  Queue waiting_ ABSL_GUARDED_BY(reclaim_mu_);
  Retired* parked_ ABSL_GUARDED_BY(reclaim_mu_) = nullptr;
  std::vector<const void*> named_ ABSL_GUARDED_BY(reclaim_mu_);  // Kept for its capacity.

  // What was ever destroyed.
  //   Writer: whoever reclaims. Reader: bytes() and count(). Order: relaxed; only figures.
  std::atomic<size_t> destroyed_bytes_{0};
  std::atomic<size_t> destroyed_count_{0};
};

}  // namespace firn::internal

#endif  // FIRN_MVCC_EPOCH_H_
