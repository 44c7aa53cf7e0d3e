// Out of memory in background work and iterators, a listener that calls back, and a Db that goes
// while an iterator anchors.
#include <atomic>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "firn/db.h"
#include "firn/listener.h"
#include "gtest/gtest.h"
#include "mvcc/schedule_point.h"
#include "tests/support/failing_new.h"
#include "tests/support/test_db.h"

namespace firn {
namespace {

using test::FailingAllocations;
using test::NumberedKey;
using test::OpenTestDb;
using test::TinyOptions;

void PutAll(Db& db, size_t count, std::string_view value) {
  for (size_t i = 0; i < count; ++i) ASSERT_TRUE(db.Put(NumberedKey(i), value).ok());
}

TEST(Shortage, AnIteratorSeesAllOfItsLeafAfterSeekingAgain) {
  Options options = TinyOptions();
  options.tuning = TuningOptions();  // One leaf, all of it fresh.
  const std::unique_ptr<Db> db = OpenTestDb(options);
  PutAll(*db, 30, "v");
  for (int succeeding = 0; succeeding < 12; ++succeeding) {
    Iterator it = db->NewIterator();
    {
      const FailingAllocations failing(succeeding);
      it.SeekToFirst();
    }
    size_t count = 0;
    for (it.SeekToFirst(); it.Valid(); it.Next()) ++count;
    EXPECT_EQ(count, 30u) << "after " << succeeding << " allocations";
  }
}

TEST(Shortage, SettlingLeavesNoLatchBehind) {
  for (int succeeding = 0; succeeding < 150; ++succeeding) {
    const std::unique_ptr<Db> db = OpenTestDb();
    PutAll(*db, 12, "old");
    const Snapshot snapshot = db->GetSnapshot();
    PutAll(*db, 40, "new");
    for (size_t i = 0; i < 25; ++i) ASSERT_TRUE(db->Delete(NumberedKey(i)).ok());
    {
      const FailingAllocations failing(succeeding);
      db->Settle().IgnoreError();
    }
    PutAll(*db, 40, "newer");  // Would hang.
    ASSERT_TRUE(db->Settle().ok());
    ASSERT_TRUE(db->VerifyInvariants().ok());
  }
}

TEST(Shortage, ADbClosesWithoutMemory) {
  std::unique_ptr<Db> db = OpenTestDb();
  PutAll(*db, 12, "v");
  const FailingAllocations failing(0);
  db.reset();
}

TEST(ListenerCall, MaySettleAgain) {
  struct Settling : Listener {
    void OnSettled(const SettleInfo&) override {
      if (calls++ == 0) {
        EXPECT_TRUE(db->Settle().ok());
      }
    }
    Db* db = nullptr;
    int calls = 0;
  };
  Settling listener;
  Options options = TinyOptions();
  options.listener = &listener;
  const std::unique_ptr<Db> db = OpenTestDb(options);
  listener.db = db.get();
  PutAll(*db, 12, "v");
  ASSERT_TRUE(db->Settle().ok());
  EXPECT_GE(listener.calls, 1);
}

#ifdef FIRN_INVARIANTS
// Stops one thread before it announces its pin, and again before it checks the horizon.
class AnchorStopper : public internal::ScheduleObserver {
 public:
  AnchorStopper() { internal::schedule_observer.store(this); }
  ~AnchorStopper() override { internal::schedule_observer.store(nullptr); }
  void AtPoint(const char* name) override {
    if (!stops_here) return;
    if (phase == 0 && std::strcmp(name, "registry:before_announce") == 0) StopAt(1);
    if (phase == 2 && std::strcmp(name, "registry:announced") == 0) StopAt(3);
  }
  void OnBlocked(const void*) override {}
  void OnUnblocked(const void*) override {}
  void AwaitStop(int stop) {
    while (phase != stop) std::this_thread::yield();
  }
  void Go() { ++phase; }

  static inline thread_local bool stops_here = false;

 private:
  void StopAt(int stop) {
    phase = stop;
    while (phase == stop) std::this_thread::yield();
  }
  std::atomic<int> phase{0};
};

// Leaked the whole map when the second announcement wiped out the mark of ~Db; the leak checker
// tells.
TEST(LateAnchor, KeepsTheMarkOfADbThatGoes) {
  AnchorStopper stopper;
  std::unique_ptr<Db> db = OpenTestDb();
  PutAll(*db, 1, "1");
  std::thread reader([it = db->NewIterator()]() mutable {
    AnchorStopper::stops_here = true;
    it.SeekToFirst();
  });
  stopper.AwaitStop(1);
  PutAll(*db, 1, "2");
  ASSERT_TRUE(db->Settle().ok());  // Raises the horizon: the reader has to announce again.
  stopper.Go();
  stopper.AwaitStop(3);
  db.reset();
  stopper.Go();
  reader.join();
}
#endif

}  // namespace
}  // namespace firn
