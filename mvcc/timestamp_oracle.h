// Commit timestamps: who gets which, and when readers may use it.
#ifndef FIRN_MVCC_TIMESTAMP_ORACLE_H_
#define FIRN_MVCC_TIMESTAMP_ORACLE_H_

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>

#include "mvcc/atomics_policy.h"
#include "mvcc/check.h"
#include "mvcc/mutex.h"
#include "mvcc/pause.h"
#include "mvcc/schedule_point.h"

namespace firn::internal {

// A commit's place in commit order: its timestamp, and that of the commit just before.
struct Stamp {
  uint64_t ts = 0;
  uint64_t predecessor = 0;
};

// Whether a caller may have the timestamp it asks for.
enum class GivenTs {
  kOk,
  kInPast,  // Not above every timestamp handed out.
  kTooFar,  // More than one second past the later of the last one and now.
};

// How long to wait awake for a commit that is likely to be published at once.
struct SpinLimits {
  int pauses = 200;  // Of the processor: about as long as a commit takes.
  // To whoever may be the one waited for. Many: once one writer sleeps, the next one has to wake it
  // and is waited for meanwhile, so that they go on sleeping by turns.
  int yields = 100;
};

// A TimestampOracle stamps commits from a hybrid clock, nanoseconds since the Unix epoch moved
// forward so that none repeats, and publishes them in stamp order.
//
//   Next(), At()   last_stamped_ <- ts     the commit links its versions
//   Publish()      waits for visible_ts_ == predecessor, then visible_ts_ <- ts
//
// So a reader that sees N as visible sees every commit up to N: the publisher of N acquired its
// predecessor from visible_ts_, with all that this one had acquired, before it released N.
//
// Waiting. A commit whose turn is not yet spins a little and then sleeps. Publishing must not
// cost a lock when nobody sleeps, so sleepers are counted:
//     publisher                        sleeper (holding the bedroom's mutex)
//     store visible_ts_                increment sleepers
//     load sleepers: lock and wake     load visible_ts_: sleep
// All four are seq_cst: with less, each could miss the other's store, and the sleeper would
// sleep on. Sleepers are spread over several bedrooms by the timestamp they wait for, so that a
// long queue of commits is not woken as a whole for each of them.
//
// Thread-safety: all methods from any thread; Reset() before anybody else has the oracle.
template <class Policy, class MutexType = Mutex, class CondVarType = CondVar>
class BasicTimestampOracle {
 public:
  static constexpr uint64_t kMaxTs = (uint64_t{1} << 63) - 1;
  static constexpr uint64_t kMaxLeadNanos = 1'000'000'000;

  BasicTimestampOracle() = default;
  explicit BasicTimestampOracle(SpinLimits spin) : spin_(spin) {}
  BasicTimestampOracle(const BasicTimestampOracle&) = delete;
  BasicTimestampOracle& operator=(const BasicTimestampOracle&) = delete;

  // Recovery: goes on behind `ts`.
  void Reset(uint64_t ts) {
    last_stamped_.store(ts, std::memory_order_relaxed);  // Nobody looks yet.
    visible_ts_.store(ts, std::memory_order_relaxed);
  }

  // The timestamp after `last`: now, or just above it.
  static uint64_t After(uint64_t last, uint64_t now_nanos) {
    return std::max(last + 1, std::min(now_nanos, kMaxNow));
  }
  // Whether the commit after `last` may have the timestamp `ts`, which its caller gives.
  static GivenTs Judge(uint64_t ts, uint64_t last, uint64_t now_nanos) {
    if (ts <= last) return GivenTs::kInPast;
    const uint64_t newest = std::max(last, std::min(now_nanos, kMaxNow));
    return ts >= kMaxTs || ts - std::min(ts, newest) > kMaxLeadNanos ? GivenTs::kTooFar
                                                                     : GivenTs::kOk;
  }

  // The next stamp: now, or just above the last one. Every stamp must be published.
  Stamp Next(uint64_t now_nanos) {
    uint64_t last = last_stamped_.load(std::memory_order_relaxed);
    uint64_t ts;
    do {
      ts = After(last, now_nanos);
    } while (!last_stamped_.compare_exchange_weak(last, ts, std::memory_order_relaxed,
                                                  std::memory_order_relaxed));
    FIRN_CHECK(ts < kMaxTs);
    AtSchedulePoint("oracle:stamped");
    return {ts, last};
  }

  // A stamp with a timestamp that the caller gives; `*stamp` is set if the answer is kOk.
  GivenTs At(uint64_t ts, uint64_t now_nanos, Stamp* stamp) {
    uint64_t last = last_stamped_.load(std::memory_order_relaxed);
    do {
      if (const GivenTs judged = Judge(ts, last, now_nanos); judged != GivenTs::kOk) return judged;
    } while (!last_stamped_.compare_exchange_weak(last, ts, std::memory_order_relaxed,
                                                  std::memory_order_relaxed));
    *stamp = {ts, last};
    AtSchedulePoint("oracle:stamped");
    return GivenTs::kOk;
  }

  // Lets readers see the commit if all before it are visible. False: not its turn yet.
  bool TryPublish(Stamp stamp) {
    return TryPublish(stamp, [] {});
  }
  // Calls `in_turn` just before, one commit at a time, in stamp order.
  template <class InTurn>
  bool TryPublish(Stamp stamp, const InTurn& in_turn) {
    if (visible_ts_.load(std::memory_order_acquire) != stamp.predecessor) return false;
    in_turn();
    SetVisible(stamp.ts, 1);
    return true;
  }

  // Lets readers see `count` commits at once, the last of them stamped `ts`, which nobody drew.
  // Requires: no other thread stamps or publishes.
  void PublishGroup(uint64_t ts, uint64_t count) {
    last_stamped_.store(ts, std::memory_order_relaxed);  // As Next().
    SetVisible(ts, count);
  }

  // Lets readers see the commit, once all before it are visible. Requires: no latch is held.
  void Publish(Stamp stamp) {
    Publish(stamp, [] {});
  }
  template <class InTurn>
  void Publish(Stamp stamp, const InTurn& in_turn) {
    if (TryPublish(stamp, in_turn)) return;
    WaitUntil(&bedrooms_[BedroomOf(stamp.predecessor)],
              [&stamp](uint64_t visible) { return visible == stamp.predecessor; });
    const bool published = TryPublish(stamp, in_turn);
    FIRN_CHECK(published);
  }

  // Returns once the commit of `ts` is visible. Requires: no latch is held.
  void WaitVisible(uint64_t ts) {
    if (visible() >= ts) return;
    WaitUntil(&bedrooms_[kAnyTsBedroom], [ts](uint64_t visible) { return visible >= ts; });
  }

  uint64_t visible() const { return visible_ts_.load(std::memory_order_acquire); }
  // Commits published so far. relaxed: a figure, as old as any other.
  uint64_t published_count() const { return published_count_.load(std::memory_order_relaxed); }
  // The same in the order of seq_cst, for a closed snapshot that must not miss a pruner which
  // judged by a newer visible_ts and still found its pin.
  uint64_t visible_seq_cst() const { return visible_ts_.load(std::memory_order_seq_cst); }
  // The newest stamp handed out. relaxed: no data hangs on a stamp before it is visible.
  uint64_t last_stamped() const { return last_stamped_.load(std::memory_order_relaxed); }

 private:
  // A clock that is far off leaves room for stamps above it all the same.
  static constexpr uint64_t kMaxNow = kMaxTs - (uint64_t{1} << 53);

  // Commits sleep in the bedroom of their predecessor and are woken when that is published. The
  // last bedroom is for those who wait for a timestamp that may be nobody's: they wake each time.
  static constexpr size_t kCommitBedrooms = 8;
  static constexpr size_t kAnyTsBedroom = kCommitBedrooms;
  struct Bedroom {
    MutexType mu;
    CondVarType published;
  };

  static size_t BedroomOf(uint64_t ts) {
    return static_cast<size_t>((ts * 0x9E3779B97F4A7C15u) >> 61) % kCommitBedrooms;
  }

  void SetVisible(uint64_t ts, uint64_t count) {
    AtSchedulePoint("oracle:before_publish");
    // relaxed: the turn to publish passes from one to the next with visible_ts_.
    published_count_.store(published_count_.load(std::memory_order_relaxed) + count,
                           std::memory_order_relaxed);
    visible_ts_.store(ts, std::memory_order_seq_cst);
    WakeSleepers(ts);
  }

  void WakeSleepers(uint64_t ts) {
    for (const size_t i : {BedroomOf(ts), kAnyTsBedroom}) {
      if (sleepers_[i].load(std::memory_order_seq_cst) == 0) continue;
      // Under the mutex: a sleeper that has looked in vain is asleep, and not just before it.
      bedrooms_[i].mu.Lock();
      bedrooms_[i].published.NotifyAll();
      bedrooms_[i].mu.Unlock();
    }
  }

  template <class Done>
  void WaitUntil(Bedroom* bedroom, const Done& done) {
    const SpinLimits spin = SkipShortcut(4) ? SpinLimits{0, 0} : spin_;
    for (int i = 0; i < spin.pauses; ++i) {
      if (done(visible())) return;
      Pause();
    }
    for (int i = 0; i < spin.yields; ++i) {
      if (done(visible())) return;
      std::this_thread::yield();
    }
    auto& sleepers = sleepers_[static_cast<size_t>(bedroom - bedrooms_)];
    bedroom->mu.Lock();
    sleepers.fetch_add(1, std::memory_order_seq_cst);
    while (!done(visible_ts_.load(std::memory_order_seq_cst))) {
      bedroom->published.Wait(bedroom->mu);
    }
    // relaxed: who misses it wakes nobody once more.
    sleepers.fetch_sub(1, std::memory_order_relaxed);
    bedroom->mu.Unlock();
  }

  // Immutable after construction.
  const SpinLimits spin_{};

  // The newest timestamp handed out.
  //   Writer: Next(), At(). Reader: the same, last_stamped().
  //   Order:  relaxed. The compare-exchange alone makes stamps unique and each one's predecessor
  //           the stamp just before; what a commit did is ordered by visible_ts_.
  alignas(Policy::kCacheLineBytes)
      typename Policy::template Atomic<uint64_t, Field::kLastStamped> last_stamped_{0};

  // The newest timestamp a reader may use.
  //   Writer: SetVisible(), in stamp order, once the whole commit is linked.
  //   Reader: everybody, no lock.
  //   Order:  release, paired with the acquire in visible(): whoever reads N sees every version
  //           stamped N or earlier. seq_cst where it meets the sleepers, see above.
  alignas(Policy::kCacheLineBytes)
      typename Policy::template Atomic<uint64_t, Field::kVisibleTs> visible_ts_{0};

  // How many commits were published; beside visible_ts_, whose line its writer has at hand.
  //   Writer: TryPublish(), in its turn. Reader: statistics. Order: relaxed.
  std::atomic<uint64_t> published_count_{0};

  // How many sleep in each bedroom, or are about to.
  //   Writer: sleepers, under the bedroom's mutex. Reader: TryPublish(), no lock.
  //   Order:  seq_cst, see above. Hardly ever written, so every publisher's core has a copy.
  alignas(Policy::kCacheLineBytes)
      typename Policy::template Atomic<uint32_t, Field::kWaiterCount> sleepers_[kCommitBedrooms +
                                                                                1] = {};

  alignas(Policy::kCacheLineBytes) Bedroom bedrooms_[kCommitBedrooms + 1];
};

class TimestampOracle : public BasicTimestampOracle<StdAtomics> {
 public:
  using BasicTimestampOracle::BasicTimestampOracle;
};

}  // namespace firn::internal

#endif  // FIRN_MVCC_TIMESTAMP_ORACLE_H_
