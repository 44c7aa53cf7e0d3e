#include "mvcc/settler.h"

#include <time.h>

#include <algorithm>
#include <new>
#include <optional>
#include <string>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "mvcc/check.h"
#include "mvcc/large_value_rows.h"
#include "mvcc/schedule_point.h"

namespace firn::internal {
namespace {

// A look at the held leaves may take this share of the time, so that many short snapshots
// over many held leaves do not keep a core busy.
constexpr uint64_t kHeldLookShare = 20;

// An "idle since" so long ago that the leaf is settled in this very pass.
constexpr uint64_t kLongIdle = 1;

// Soon is this many times the idle time that a leaf was given; long is a multiple of that.
constexpr uint64_t kSoonIdleTimes = 4;
constexpr uint64_t kLongSoonTimes = 8;
// How often that time may double: up to some seconds, by default.
constexpr uint8_t kMostPatience = 5;

// A pass is due once this share of the watched leaves has shrunk.
constexpr uint32_t kShrunkShare = 8;

// The background thread looks again after so long at the latest while there is work, and gives
// up after so many rounds that freed nothing.
constexpr uint64_t kLongestWaitMicros = 1'000'000;
constexpr int kReclaimRounds = 20;

// A pass frees memory each time that it has retired so much, or large values have grown by so much:
// what is copied next then finds room.
constexpr size_t kRetiredBytesPerReclaim = size_t{1} << 20;
constexpr size_t kLargeBytesPerReclaim = size_t{4} << 20;

// Once so large a share of all memory lies scattered, or so large a share of the states elsewhere
// than right before the next, all blocks are moved.
constexpr size_t kScatteredShare = 4;
constexpr size_t kOutOfLineShare = 2;

// So many leaves at most are looked at to tell how large those are that are due.
constexpr size_t kSampledLeaves = 64;

// Room for `more` at the end; a mere reserve() would copy the whole vector each time.
template <class T>
void MakeRoom(std::vector<T>* vector, size_t more) {
  if (vector->capacity() - vector->size() >= more) return;
  vector->reserve(std::max(2 * vector->capacity(), vector->size() + more));
}

bool Owes(const LeafState& state) { return state.HasOlder() || state.block()->has_tombstones(); }

uint64_t MonotonicMicros() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000 + static_cast<uint64_t>(now.tv_nsec) / 1000;
}

}  // namespace

Settler::~Settler() ABSL_NO_THREAD_SAFETY_ANALYSIS {
  // A leaf may be watched and held; whoever was merged away belongs to us alone.
  const auto unwatch = [this](Leaf* leaf) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    leaf->watched = false;
    if (leaf->obsolete && !leaf->held) map_.RetireLeaf(leaf);
  };
  for (Leaf* leaf = noted_.exchange(nullptr, std::memory_order_acquire); leaf != nullptr;) {
    Leaf* next = leaf->next_noted();
    unwatch(leaf);
    leaf = next;
  }
  for (const Watched& watched : watched_) unwatch(watched.leaf);
  for (Leaf* leaf : held_) {
    leaf->held = false;
    if (leaf->obsolete) map_.RetireLeaf(leaf);
  }
}

// The leaf's latch is the caller's; clang cannot see that from here.
void Settler::NoteWrite(Leaf* leaf) noexcept ABSL_NO_THREAD_SAFETY_ANALYSIS {
  // relaxed: under the latch; the settler's late look only settles later.
  leaf->write_count.store(leaf->write_count.load(std::memory_order_relaxed) + 1,
                          std::memory_order_relaxed);
  if (leaf->watched) return;
  leaf->watched = true;
  Leaf* top = noted_.load(std::memory_order_relaxed);
  do {
    leaf->set_next_noted(top);
  } while (!noted_.compare_exchange_weak(top, leaf, std::memory_order_seq_cst,
                                         std::memory_order_relaxed));
  if (top == nullptr) Wake();
}

void Settler::NoteShrunk(Leaf* leaf) noexcept {
  if (leaf->shrunk.load(std::memory_order_relaxed)) return;
  leaf->shrunk.store(true, std::memory_order_relaxed);
  const uint32_t before = shrunk_count_.fetch_add(1, std::memory_order_relaxed);
  if (before != shrunk_limit_.load(std::memory_order_relaxed)) return;
  // For a timed wait; who sleeps without a limit is woken by NoteWrite().
  MutexLock lock(wake_mu_);
  wake_.NotifyAll();
}

void Settler::NoteGrowth() noexcept {
  if (grown_.load(std::memory_order_relaxed)) return;
  MutexLock lock(wake_mu_);
  grown_.store(true, std::memory_order_relaxed);
  wake_.NotifyAll();
}

void Settler::NoteRelease() noexcept {
  if (!interested_.load(std::memory_order_seq_cst)) return;
  // A look first: many releases would otherwise fight for this line.
  if (released_.load(std::memory_order_seq_cst)) return;
  released_.store(true, std::memory_order_seq_cst);
  Wake();
}

void Settler::Wake() noexcept {
  // The work was made known (seq_cst) before this look; the sleeper raises asleep_ (seq_cst)
  // before its last look for work. One of them sees the other.
  if (!asleep_.load(std::memory_order_seq_cst)) return;
  MutexLock lock(wake_mu_);
  wake_.NotifyAll();
}

void Settler::UpdatePatience(Leaf* leaf, uint64_t now_us) const {
  if (leaf->settled_us == 0) return;
  // relaxed: see Leaf::patience.
  const uint8_t patience = leaf->patience.load(std::memory_order_relaxed);
  const uint32_t settled_for_us = static_cast<uint32_t>(now_us) - leaf->settled_us;
  const uint64_t soon_times = (settled_for_us >> patience) / kSoonIdleTimes;
  const uint64_t idle_us = map_.tuning().settle_idle_us;
  leaf->settled_us = 0;
  if (soon_times < idle_us) {
    leaf->patience.store(std::min<uint8_t>(patience + 1, kMostPatience), std::memory_order_relaxed);
  } else if (soon_times / kLongSoonTimes >= idle_us) {
    leaf->patience.store(0, std::memory_order_relaxed);
  }
}

void Settler::TakeNoted() {
  const uint64_t now_us = MonotonicMicros();
  for (Leaf* leaf = noted_.exchange(nullptr, std::memory_order_acquire); leaf != nullptr;) {
    Leaf* next = leaf->next_noted();
    try {
      watched_.push_back({leaf, leaf->write_count.load(std::memory_order_relaxed), 0});
    } catch (...) {
      // Back onto the stack with this leaf and the rest.
      Leaf* last = leaf;
      while (last->next_noted() != nullptr) last = last->next_noted();
      Leaf* top = noted_.load(std::memory_order_relaxed);
      do {
        last->set_next_noted(top);
      } while (!noted_.compare_exchange_weak(top, leaf, std::memory_order_seq_cst,
                                             std::memory_order_relaxed));
      throw;
    }
    UpdatePatience(leaf, now_us);
    leaf = next;
  }
}

void Settler::CollectPins() {
  interested_.store(true, std::memory_order_seq_cst);
  map_.pruner().CollectFresh(&pins_);
}

bool Settler::BecameIdle(Watched* watched, uint64_t now_us) const {
  // relaxed: see Leaf::write_count.
  const uint8_t writes = watched->leaf->write_count.load(std::memory_order_relaxed);
  if (writes != watched->write_count || watched->idle_since_us == 0) {
    watched->writes += static_cast<uint8_t>(writes - watched->write_count);
    watched->write_count = writes;
    watched->idle_since_us = now_us;
    return false;
  }
  const uint8_t patience =
      IsWorthwhile(*watched) ? 0 : watched->leaf->patience.load(std::memory_order_relaxed);
  return (now_us - watched->idle_since_us) >> patience >= map_.tuning().settle_idle_us;
}

void Settler::UpdateHeld(Leaf* leaf) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  const LeafState& state = *leaf->state.Load();
  const bool owes = Owes(state);
  if (owes && state.block()->max_commit_ts() > pins_.horizon) too_new_ = true;
  if (!owes && leaf->held) held_needs_purge_ = true;
  if (!owes || leaf->held) return;
  held_.push_back(leaf);  // The caller made room.
  leaf->held = true;
}

// Clang cannot follow the latches of a split's new leaves.
bool Settler::SettleLeaf(const Watched& watched, Idle idle) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  Leaf* const leaf = watched.leaf;
  const EpochGuard guard;
  if (idle == Idle::kNow) {
    leaf->latch.Lock();
  } else if (!leaf->latch.TryLock()) {
    return false;
  }
  if (leaf->obsolete) {
    leaf->watched = false;
    const bool last_list = !leaf->held;
    leaf->latch.Unlock();
    if (last_list) map_.RetireLeaf(leaf);
    return true;
  }
  std::vector<Leaf*> added;
  std::string lower;
  Freezer::Fill fill = Freezer::Fill::kHalfFull;
  try {
    lower = std::string(leaf->state.Load()->fences().lower);
    MakeRoom(&held_, 1);
    if (leaf->shrunk.load(std::memory_order_relaxed)) fill = Freezer::Fill::kFull;
    const LeafState* state = leaf->state.Load();
    const bool is_due = DebtOf(*state, pins_) == Debt::kDue;
    if (state->HasFresh() || is_due || moves_all_ ||
        LargeValueRows::AreScattered(*state->block())) {
      added = freezer_.FreezeLatched(leaf, pins_, {},
                                     is_due ? Freezer::Cause::kDebt : Freezer::Cause::kIdle);
      ++done_.leaves_frozen;
      done_.versions_pruned += freezer_.pruned();
      if (freezer_.pruned() != 0) fill = Freezer::Fill::kFull;
      try {
        MakeRoom(&held_, 1 + added.size());
      } catch (...) {
        for (Leaf* each : added) {
          NoteWrite(each);  // It may owe versions.
          each->latch.Unlock();
        }
        throw;
      }
    } else {
      map_.NoteState(leaf, state);  // What a writer noted may have been lost, see InnerNode.
    }
  } catch (...) {
    leaf->latch.Unlock();
    throw;  // Still watched.
  }
  const bool small =
      added.empty() && leaf->state.Load()->block()->main_bytes() <= map_.tuning().block_bytes / 2;
  UpdateHeld(leaf);
  leaf->watched = false;
  const bool to_be_judged = idle == Idle::kWait && !IsWorthwhile(watched);
  leaf->settled_us = to_be_judged ? static_cast<uint32_t>(MonotonicMicros()) | 1 : 0;
  leaf->shrunk.store(false, std::memory_order_relaxed);
  leaf->latch.Unlock();
  for (Leaf* each : added) {
    UpdateHeld(each);
    each->latch.Unlock();
  }
  if (small) {
    try {
      MergeSmall(lower, fill);
    } catch (const std::bad_alloc&) {
      // A small leaf costs a little room; it is tried again when it is settled again.
    }
  }
  return true;
}

void Settler::MergeSmall(std::string_view key, Freezer::Fill fill) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  std::vector<Leaf*> absorbed;
  while (true) {  // Again, since joined inner nodes bring new neighbours together.
    MakeRoom(&held_, 1);
    Leaf* survivor = freezer_.MergeAround(key, pins_, fill, &absorbed);
    if (survivor == nullptr) return;
    done_.leaves_merged += absorbed.size();
    done_.versions_pruned += freezer_.pruned();
    for (Leaf* leaf : absorbed) {
      // Obsolete: nobody else sets these flags any more.
      if (!leaf->watched && !leaf->held) map_.RetireLeaf(leaf);
    }
    absorbed.clear();
    held_needs_purge_ = true;
    MutexLock lock(survivor->latch);
    if (!survivor->obsolete) UpdateHeld(survivor);
  }
}

void Settler::WatchAll() ABSL_NO_THREAD_SAFETY_ANALYSIS {
  std::string at;
  while (true) {
    MakeRoom(&watched_, 1);
    const EpochGuard guard;
    Leaf* const leaf = map_.LatchLeaf(at);
    const absl::Cleanup unlatch = [leaf]() ABSL_NO_THREAD_SAFETY_ANALYSIS { leaf->latch.Unlock(); };
    if (!leaf->watched) {
      leaf->watched = true;
      watched_.push_back({leaf, leaf->write_count.load(std::memory_order_relaxed), kLongIdle});
    }
    const Fences fences = leaf->state.Load()->fences();
    if (!fences.upper) return;
    at = *fences.upper;
  }
}

// Moves what has fallen due from the held leaves to the watched ones.
void Settler::LookAtHeld() ABSL_NO_THREAD_SAFETY_ANALYSIS {
  const uint64_t started_us = MonotonicMicros();
  too_new_ = false;
  for (Leaf* leaf : held_) {
    MakeRoom(&watched_, 1);
    const EpochGuard guard;
    MutexLock lock(leaf->latch);
    if (leaf->obsolete || leaf->watched) continue;  // Purged; judged when it settles.
    const LeafState& state = *leaf->state.Load();
    if (DebtOf(state, pins_) != Debt::kDue) {
      too_new_ |= state.block()->max_commit_ts() > pins_.horizon;
      continue;
    }
    leaf->watched = true;
    watched_.push_back({leaf, leaf->write_count.load(std::memory_order_relaxed), kLongIdle});
  }
  const uint64_t now_us = MonotonicMicros();
  look_at_held_after_us_ = now_us + kHeldLookShare * (now_us - started_us);
}

// Lets go of leaves that no longer owe anything, and of those that were merged away.
void Settler::PurgeHeld() ABSL_NO_THREAD_SAFETY_ANALYSIS {
  held_needs_purge_ = false;
  std::erase_if(held_, [this](Leaf* leaf) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    const EpochGuard guard;
    leaf->latch.Lock();
    leaf->held = !leaf->obsolete && Owes(*leaf->state.Load());
    const bool keep = leaf->held;
    const bool last_list = leaf->obsolete && !leaf->watched;
    leaf->latch.Unlock();
    if (last_list) map_.RetireLeaf(leaf);
    return !keep;
  });
}

void Settler::Pass(Idle idle) {
  TakeNoted();
  const auto share = static_cast<uint32_t>(watched_.size()) / kShrunkShare;
  shrunk_limit_.store(std::max(kFewShrunk, share), std::memory_order_relaxed);
  shrunk_count_.store(0, std::memory_order_relaxed);
  const uint64_t now_us = MonotonicMicros();
  // Before the pins are collected: a release from here on is for the next look.
  const bool released = released_.exchange(false, std::memory_order_seq_cst);
  try {
    CollectPins();
    if (idle == Idle::kNow || ((released || too_new_) && now_us >= look_at_held_after_us_)) {
      LookAtHeld();
    } else if (released && !held_.empty()) {
      released_.store(true, std::memory_order_seq_cst);  // Later.
    }
  } catch (...) {
    released_.store(true, std::memory_order_seq_cst);
    throw;
  }
  reclaimed_ = 0;
  MakeRoom(&due_, watched_.size());
  size_t kept = 0;
  for (Watched& watched : watched_) {
    const bool due = idle == Idle::kNow || BecameIdle(&watched, now_us) ||
                     watched.leaf->shrunk.load(std::memory_order_relaxed);
    if (due) {
      due_.push_back(watched);
    } else {
      watched_[kept++] = watched;
    }
  }
  watched_.resize(kept);
  SettleDue(idle);
  if (held_needs_purge_) PurgeHeld();
  if (held_.empty()) interested_.store(false, std::memory_order_seq_cst);
  reclaimed_ += map_.Reclaim();
}

size_t Settler::DueBytes() const ABSL_NO_THREAD_SAFETY_ANALYSIS {
  const size_t step = due_.size() / kSampledLeaves + 1;
  size_t bytes = 0;
  for (size_t i = 0; i < due_.size(); i += step) {
    Leaf* leaf = due_[i].leaf;
    if (!leaf->latch.TryLock()) continue;
    // An obsolete leaf's state may be gone.
    if (!leaf->obsolete) bytes += leaf->state.Load()->memory().size() * step;
    leaf->latch.Unlock();
  }
  return bytes;
}

// Clang cannot follow a latch behind a condition.
void Settler::SortDue() ABSL_NO_THREAD_SAFETY_ANALYSIS {
  struct Placed {
    std::string lower;  // Empty of a leaf whose latch is taken, or that is obsolete.
    Watched watched;
  };
  std::vector<Placed> placed;
  placed.reserve(due_.size());
  for (const Watched& watched : due_) {
    placed.push_back({{}, watched});
    Leaf* const leaf = watched.leaf;
    if (!leaf->latch.TryLock()) continue;
    const absl::Cleanup unlatch = [leaf]() ABSL_NO_THREAD_SAFETY_ANALYSIS { leaf->latch.Unlock(); };
    // An obsolete leaf's state may be gone.
    if (!leaf->obsolete) placed.back().lower = leaf->state.Load()->fences().lower;
  }
  std::sort(placed.begin(), placed.end(),
            [](const Placed& a, const Placed& b) { return a.lower < b.lower; });
  std::transform(placed.begin(), placed.end(), due_.begin(),
                 [](const Placed& each) { return each.watched; });
}

void Settler::SettleDue(Idle idle) {
  std::optional<SpanAllocator::Evacuation> evacuation;
  const size_t allocated = map_.allocator().allocated_bytes();
  const size_t live = allocated - std::min(allocated, map_.retired_bytes());
  if (DueBytes() >= live / 2) evacuation.emplace(map_.allocator());
  moves_all_ = evacuation && evacuation->is_on();
  size_t next = 0;
  size_t reclaim_at = map_.retired_bytes() + kRetiredBytesPerReclaim;
  size_t reclaim_large_at = map_.large_values().allocated_bytes() + kLargeBytesPerReclaim;
  // What is put back among the watched finds room: it was there before.
  try {
    if (moves_all_) SortDue();
    for (; next < due_.size(); ++next) {
      if (!SettleLeaf(due_[next], idle)) watched_.push_back(due_[next]);
      if (map_.retired_bytes() < reclaim_at &&
          map_.large_values().allocated_bytes() < reclaim_large_at) {
        continue;
      }
      reclaimed_ += map_.Reclaim();
      reclaim_at = map_.retired_bytes() + kRetiredBytesPerReclaim;
      reclaim_large_at = map_.large_values().allocated_bytes() + kLargeBytesPerReclaim;
    }
  } catch (...) {
    for (; next < due_.size(); ++next) watched_.push_back(due_[next]);
    due_.clear();
    throw;
  }
  due_.clear();
}

bool Settler::HasWork() const {
  return noted_.load(std::memory_order_seq_cst) != nullptr || !watched_.empty() ||
         (!held_.empty() && (too_new_ || released_.load(std::memory_order_seq_cst)));
}

SettleInfo Settler::TakeDone() { return std::exchange(done_, {}); }

void Settler::Report(const SettleInfo& done) {
  if (listener_ == nullptr || (done.leaves_frozen == 0 && done.leaves_merged == 0)) return;
  listener_->OnSettled(done);
}

bool Settler::Step() {
  bool worked;
  SettleInfo done;
  {
    MutexLock lock(pass_mu_);
    if (!HasWork() && map_.retired_bytes() == 0) return false;
    Pass(Idle::kNow);
    worked = done_.leaves_frozen != 0 || done_.leaves_merged != 0 || reclaimed_ != 0;
    done = TakeDone();
  }
  Report(done);
  return worked;
}

Settler::States Settler::OutOfLine() const {
  const EpochGuard guard;
  const OrderedMap::Line line = map_.StatesInLine();
  return {line.leaves - line.in_line, line.leaves};
}

bool Settler::WantsMove() {
  SpanAllocator& allocator = map_.allocator();
  if (!allocator.may_move_blocks()) return false;
  const size_t scattered = allocator.scattered_block_bytes();
  const States out_of_line = OutOfLine();
  left_scattered_ = std::min(left_scattered_, scattered);
  left_out_of_line_ = std::min(left_out_of_line_, out_of_line.count);
  return scattered - left_scattered_ > allocator.allocated_bytes() / kScatteredShare ||
         out_of_line.count - left_out_of_line_ > out_of_line.of / kOutOfLineShare;
}

void Settler::SettleAll() {
  SettleInfo done;
  SpanAllocator& allocator = map_.allocator();
  {
    MutexLock lock(pass_mu_);
    const bool moves = WantsMove();
    if (moves) WatchAll();
    Pass(Idle::kNow);
    // What was retired goes once the readers of its time have passed: two epochs.
    for (int round = 0; round < 3; ++round) map_.Reclaim();
    allocator.ReleaseFreeMemory();
    map_.large_values().ReleaseFreeMemory();
    if (moves) {
      left_scattered_ = allocator.scattered_block_bytes();
      left_out_of_line_ = OutOfLine().count;
    }
    done = TakeDone();
  }
  Report(done);
}

void Settler::Run() {
  int fruitless = 0;  // Rounds that freed nothing of what is retired.
  while (true) {
    bool busy;
    SettleInfo done;
    {
      MutexLock lock(pass_mu_);
      bool failed = false;
      try {
        Pass(Idle::kWait);
      } catch (const std::bad_alloc&) {
        failed = true;  // What is left to do stays listed for the next round.
      }
      done = TakeDone();
      // What a reader held back for a moment is freed soon; a cursor may hold its own for days.
      fruitless = reclaimed_ != 0 ? 0 : fruitless + 1;
      busy = failed || HasWork() || (map_.retired_bytes() != 0 && fruitless < kReclaimRounds);
    }
    Report(done);
    MutexLock lock(wake_mu_);
    if (stopping_) return;
    if (busy) {
      WaitBetweenPasses();
    } else {
      fruitless = 0;
      WaitForWork();
    }
    if (stopping_) return;
  }
}

void Settler::WaitBetweenPasses() {
  // A time limit far off would overflow the clock.
  const uint64_t until_us =
      MonotonicMicros() +
      std::clamp<uint64_t>(map_.tuning().settle_idle_us / 2, 1000, kLongestWaitMicros);
  while (true) {
    // All that others leave word of is looked at after each time that the mutex was given up.
    while (!stopping_ && grown_.load(std::memory_order_relaxed)) PrepareMemory();
    if (stopping_ || ManyHaveShrunk()) return;
    const uint64_t now_us = MonotonicMicros();
    if (now_us >= until_us || !wake_.WaitFor(wake_mu_, until_us - now_us)) return;
  }
}

void Settler::WaitForWork() {
  // See Wake(): seq_cst, then the last look for work.
  asleep_.store(true, std::memory_order_seq_cst);
  while (!stopping_ && noted_.load(std::memory_order_seq_cst) == nullptr &&
         !released_.load(std::memory_order_seq_cst)) {
    if (grown_.load(std::memory_order_relaxed)) {
      PrepareMemory();
    } else {
      wake_.Wait(wake_mu_);
    }
  }
  asleep_.store(false, std::memory_order_seq_cst);
}

void Settler::PrepareMemory() {
  grown_.store(false, std::memory_order_relaxed);
  wake_mu_.Unlock();
  AtSchedulePoint("settler:before_prepare");
  map_.allocator().PrepareMemory();
  wake_mu_.Lock();
}

void Settler::Stop() {
  MutexLock lock(wake_mu_);
  stopping_ = true;
  wake_.NotifyAll();
}

}  // namespace firn::internal
