// A client that does everything a Db can do, at random.
#ifndef FIRN_TOOLS_HISTORY_RANDOM_CLIENT_H_
#define FIRN_TOOLS_HISTORY_RANDOM_CLIENT_H_

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "firn/db.h"
#include "tools/history/history.h"
#include "tools/history/material.h"
#include "tools/history/recorder.h"

namespace firn::history {

// A RandomClient draws one recorded call after another from a seed. It holds a few snapshots and
// iterators for long, reads through them again and again, and lets them stand still meanwhile.
// Half of its calls go to a few keys that all clients fight for.
//
// Thread-safety: one thread at a time, another one later.
class RandomClient {
 public:
  RandomClient(uint32_t client, uint64_t seed, const KeySet& keys);

  // Goes on with this Db, and with these snapshots, which others read through as well.
  // Requires: holds no view of another Db.
  void Use(Db* db, const std::vector<Snapshot>* shared, bool on_disk);
  void MakeCall();
  Recorder& recorder() { return recorder_; }

  // The moments of all views held.
  void AddHeld(std::vector<CommitTs>* held) const;
  void DropViews();

 private:
  struct Habit {
    uint32_t weight;
    void (RandomClient::*call)();
  };
  static const Habit kHabits[];

  // --- Random material.
  uint64_t Below(uint64_t count) { return random_() % count; }
  bool OneIn(uint64_t count) { return Below(count) == 0; }
  KeyIndex AnyKey();
  KeySpan AnySpan();
  size_t AnyLength() { return OneIn(20) ? keys_.size() : 1 + Below(16); }
  const Snapshot* AnySnapshot();  // Null if none is held.
  const Snapshot* AnyView();      // Null half of the time: the Db.
  WriteOptions AnyWriteOptions();
  ValueId LikelyValue(KeyIndex key);

  // --- Calls.
  void Get() { recorder_.Get(AnyView(), AnyKey()); }
  void GetPinned() { recorder_.GetPinned(AnyView(), AnyKey()); }
  void MultiGet();
  void Contains() { recorder_.Contains(AnyView(), AnyKey()); }
  void RangeCallback() { recorder_.RangeCallback(AnyView(), AnySpan(), AnyLength()); }
  void RangeFor();
  void TakeSnapshot();
  void ReplaceWalker();
  void Walk();
  void Put() { recorder_.Put(AnyKey(), AnyWriteOptions()); }
  void Delete() { recorder_.Delete(AnyKey()); }
  void WriteBatch();
  void WriteNothing() { recorder_.WriteNothing(); }
  void DeleteRange() { recorder_.DeleteRange(AnySpan()); }
  void Clear() { recorder_.Clear(); }
  void LoadOrStore() { recorder_.LoadOrStore(AnyKey()); }
  void LazyLoadOrStore() { recorder_.LazyLoadOrStore(AnyKey()); }
  void LoadAndDelete() { recorder_.LoadAndDelete(AnyKey()); }
  void Swap() { recorder_.Swap(AnyKey()); }
  void CompareAndSwap();
  void CompareAndDelete();
  void Care();

  const KeySet& keys_;
  Recorder recorder_;
  std::mt19937_64 random_;
  uint32_t total_weight_ = 0;

  bool on_disk_ = false;
  const std::vector<Snapshot>* shared_ = nullptr;
  std::vector<Snapshot> snapshots_;
  std::vector<Walker> walkers_;
  std::vector<ValueId> remembered_;  // By key: what this client last saw of it.
};

}  // namespace firn::history

#endif  // FIRN_TOOLS_HISTORY_RANDOM_CLIENT_H_
