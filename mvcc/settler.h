// The Settler does what writers leave behind: it freezes idle leaves and collects debts.
#ifndef FIRN_MVCC_SETTLER_H_
#define FIRN_MVCC_SETTLER_H_

#include <atomic>
#include <cstdint>
#include <vector>

#include "firn/listener.h"
#include "firn/options.h"
#include "mvcc/freezer.h"
#include "mvcc/mutex.h"
#include "mvcc/ordered_map.h"

namespace firn::internal {

// The Settler freezes leaves that nobody writes to any more, and those that owe memory since a
// snapshot was released; it joins small neighbours and frees retired memory.
//
// Protocol. A writer notes each leaf it wrote to, under the leaf's latch, on a lock-free stack;
// the settler takes the whole stack and owns what was on it. Two flags under the leaf's latch
// say where a leaf is:
//
//   watched   on the stack, or watched for the day it is idle. Set by the first write, cleared
//             by the settler when it has settled the leaf.
//   held      settled, but its block keeps versions for live snapshots, or versions too new to
//             be judged. Looked at again after a snapshot was released.
//
// A leaf merged away while watched or held is retired when it leaves its last list.
//
// A leaf that is written again soon after it was settled was settled in vain: a block was copied
// for a few entries, and its place in memory moved away from its neighbours'. Each time that
// happens the leaf is given twice the time to become idle, up to 32 times as much, until it was
// left alone for long. A leaf that got as many writes as fill a delta was due for a freeze anyway:
// it is never settled in vain, waits no longer than others, and what it gets later proves nothing.
//
// A released snapshot must not be missed while leaves are put among the held. So the settler
// raises `interested_` before it collects the pins it judges by, and the releaser of a pin that a
// collection noted unpins before it looks at `interested_`: all four are seq_cst, so either the
// collection misses the pin or the releaser leaves word.
//
// Thread-safety: the Note*() calls from any thread; passes exclude each other by pass_mu_.
class Settler {
 public:
  Settler(OrderedMap& map, Listener* listener)
      : map_(map), listener_(listener), freezer_(map, freeze_buffers_) {}
  // Requires: stopped, and nobody notes any more.
  ~Settler();

  // The leaf was written to. Requires: its latch. Cannot fail.
  void NoteWrite(Leaf* leaf) noexcept;
  // A freeze by a writer left little of the leaf, so it need not become idle before it is joined
  // to its neighbours: a window that moves on must not leave a trail. Requires: its latch.
  void NoteShrunk(Leaf* leaf) noexcept;
  // The map has grown: memory that it will need next is to be prepared. By the background thread
  // alone; without one, nothing is.
  void NoteGrowth() noexcept;
  // A snapshot that may have held versions was released, after its slot was freed.
  void NoteRelease() noexcept;

  // Does a little: settles one leaf, or looks at the held ones, or frees memory. Returns false
  // if there was nothing to do. May throw std::bad_alloc; the work then waits for the next call.
  bool Step();
  // Settles everything now, and puts all blocks side by side in the order of their keys if many of
  // them lie scattered, or most of them elsewhere than before the next. May
  // throw std::bad_alloc.
  void SettleAll();

  // The body of the Db's background thread: works until Stop(), asleep while idle.
  void Run();
  void Stop();

 private:
  // So many shrunk leaves make a pass due, or a share of those watched: a pass looks at each.
  static constexpr uint32_t kFewShrunk = 64;

  struct Watched {
    Leaf* leaf;
    uint8_t write_count;     // When last looked at.
    uint64_t idle_since_us;  // How long it has been so.
    // Seen between looks, and too few where there were over 255.
    uint32_t writes = 0;
  };
  enum class Idle { kWait, kNow };  // Whether leaves are given time to become idle.

  void TakeNoted() ABSL_EXCLUSIVE_LOCKS_REQUIRED(pass_mu_);
  // So that the next pass settles every leaf there is.
  void WatchAll() ABSL_EXCLUSIVE_LOCKS_REQUIRED(pass_mu_);
  struct States {
    size_t count;
    size_t of;  // All there are.
  };
  // Those that do not lie right before the one that is next in key order.
  States OutOfLine() const;
  // Whether all blocks are worth being put side by side again, in order: scans then take half to
  // two thirds of the time.
  bool WantsMove() ABSL_EXCLUSIVE_LOCKS_REQUIRED(pass_mu_);
  // One round over everything watched and, if due, held.
  void Pass(Idle idle) ABSL_EXCLUSIVE_LOCKS_REQUIRED(pass_mu_);
  // What the blocks of the due leaves take, by a sample of them.
  size_t DueBytes() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(pass_mu_);
  // By key, so that blocks made one after the other stand side by side in the order of their keys.
  void SortDue() ABSL_EXCLUSIVE_LOCKS_REQUIRED(pass_mu_);
  // Settles the due leaves. Watches those again whose latch is taken.
  void SettleDue(Idle idle) ABSL_EXCLUSIVE_LOCKS_REQUIRED(pass_mu_);
  bool BecameIdle(Watched* watched, uint64_t now_us) const;
  // So much was written that settling the leaf cannot be in vain.
  bool IsWorthwhile(const Watched& watched) const {
    return watched.writes >= map_.tuning().delta_slots;
  }
  // A written leaf is to be watched: judges whether it was settled too early the last time.
  void UpdatePatience(Leaf* leaf, uint64_t now_us) const;
  // Freezes what must be, and lets go of the leaf. Returns false if its latch is taken.
  bool SettleLeaf(const Watched& watched, Idle idle) ABSL_EXCLUSIVE_LOCKS_REQUIRED(pass_mu_);
  void LookAtHeld() ABSL_EXCLUSIVE_LOCKS_REQUIRED(pass_mu_);
  void PurgeHeld() ABSL_EXCLUSIVE_LOCKS_REQUIRED(pass_mu_);
  // `leaf`, latched, has a new block: puts it among the held if that owes. Requires: room.
  void UpdateHeld(Leaf* leaf) ABSL_EXCLUSIVE_LOCKS_REQUIRED(pass_mu_);
  void MergeSmall(std::string_view key, Freezer::Fill fill) ABSL_EXCLUSIVE_LOCKS_REQUIRED(pass_mu_);
  void CollectPins() ABSL_EXCLUSIVE_LOCKS_REQUIRED(pass_mu_);
  SettleInfo TakeDone() ABSL_EXCLUSIVE_LOCKS_REQUIRED(pass_mu_);
  void Report(const SettleInfo& done) ABSL_LOCKS_EXCLUDED(pass_mu_);
  bool HasWork() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(pass_mu_);
  // A pass is due for their sake.
  bool ManyHaveShrunk() const {
    return shrunk_count_.load(std::memory_order_relaxed) >
           shrunk_limit_.load(std::memory_order_relaxed);
  }
  void Wake() noexcept;
  // Until the next pass is due, while there is work.
  void WaitBetweenPasses() ABSL_EXCLUSIVE_LOCKS_REQUIRED(wake_mu_);
  // Until there is work, or Stop().
  void WaitForWork() ABSL_EXCLUSIVE_LOCKS_REQUIRED(wake_mu_);
  // Gives the mutex up meanwhile.
  void PrepareMemory() ABSL_EXCLUSIVE_LOCKS_REQUIRED(wake_mu_);

  OrderedMap& map_;
  Listener* const listener_;

  // The stack of noted leaves, linked by Leaf::next_noted().
  //   Writer: NoteWrite() pushes (release), TakeNoted() takes all (acquire): the settler sees
  //           the links. seq_cst where it meets asleep_, see Wake().
  std::atomic<Leaf*> noted_{nullptr};
  // Held leaves exist, or are being looked for. See the class comment.
  std::atomic<bool> interested_{false};
  // A snapshot was released since the held leaves were last looked at.
  std::atomic<bool> released_{false};
  // How many leaves have shrunk since the last pass, and at how many the next one is due.
  //   Writers: NoteShrunk() and Pass(). Order: relaxed, these only choose the time of a pass.
  std::atomic<uint32_t> shrunk_count_{0};
  std::atomic<uint32_t> shrunk_limit_{kFewShrunk};
  // The background thread sleeps without a time limit.
  std::atomic<bool> asleep_{false};

  // Excludes passes from each other. Order: before every leaf latch.
  Mutex pass_mu_;
  FreezeBuffers freeze_buffers_ ABSL_GUARDED_BY(pass_mu_);
  Freezer freezer_ ABSL_GUARDED_BY(pass_mu_);
  PinnedSet pins_ ABSL_GUARDED_BY(pass_mu_);
  std::vector<Watched> watched_ ABSL_GUARDED_BY(pass_mu_);
  std::vector<Watched> due_ ABSL_GUARDED_BY(pass_mu_);  // Of this pass; empty between passes.
  std::vector<Leaf*> held_ ABSL_GUARDED_BY(pass_mu_);
  // The pass rewrites most leaves, and so all that are due: one that stayed would keep a region.
  bool moves_all_ ABSL_GUARDED_BY(pass_mu_) = false;
  // What stayed scattered when all leaves were moved for that: runs of older versions are not.
  size_t left_scattered_ ABSL_GUARDED_BY(pass_mu_) = 0;
  // And out of line: those of which the runs lie between.
  size_t left_out_of_line_ ABSL_GUARDED_BY(pass_mu_) = 0;
  bool too_new_ ABSL_GUARDED_BY(pass_mu_) = false;  // Some held leaf was above the horizon.
  bool held_needs_purge_ ABSL_GUARDED_BY(pass_mu_) = false;
  size_t reclaimed_ ABSL_GUARDED_BY(pass_mu_) = 0;  // By the last pass.
  uint64_t look_at_held_after_us_ ABSL_GUARDED_BY(pass_mu_) = 0;
  SettleInfo done_ ABSL_GUARDED_BY(pass_mu_);

  // Memory is to be prepared.
  //   Writer: under wake_mu_. Reader: NoteGrowth(), without. relaxed: word is left once.
  std::atomic<bool> grown_{false};

  // Sleep and stop. Order: alone.
  Mutex wake_mu_;
  CondVar wake_;
  bool stopping_ ABSL_GUARDED_BY(wake_mu_) = false;
};

}  // namespace firn::internal

#endif  // FIRN_MVCC_SETTLER_H_
