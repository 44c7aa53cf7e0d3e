// Every n-th allocation fails, for each n, over each call of the API.
//
// A call that meets it either answers kOutOfMemory and has changed nothing, or has done
// its work all the same. Afterwards the structure is sound and everything works again.
// Both a single failure and a lasting shortage are tried. Allocations are those of
// operator new and, in invariant builds, of blocks and large values.
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "firn/firn.h"
#include "gtest/gtest.h"
#include "mvcc/allocation_fault.h"
#include "tests/support/failing_new.h"
#include "tests/support/manual_clock.h"
#include "tests/support/oracle.h"
#include "tests/support/status_checks.h"
#include "tests/support/test_db.h"

namespace firn {
namespace {

using test::Entry;
using test::FailingAllocations;
using test::FailsWith;
using test::IsOk;
using test::Labelled;
using test::NumberedKey;
using test::ValueOf;

// The allocations that operator new does not see.
class FailingBlocks {
 public:
#ifdef FIRN_INVARIANTS
  FailingBlocks() {
    internal::allocation_should_fail.store(&test::AllocationFails, std::memory_order_release);
  }
  ~FailingBlocks() { internal::allocation_should_fail.store(nullptr, std::memory_order_release); }
#endif
};

// A small Db with some of everything, the same each time, and the arguments of all calls
// made ready, so that only the engine allocates while allocations fail.
struct Scene {
  explicit Scene(BackgroundMode background) {
    Options options = test::TinyOptions();
    options.background = background;
    options.clock = &clock;
    options.tuning.delta_slots = 3;
    options.tuning.settle_idle_us = 0;
    db = test::OpenTestDb(options);
    for (size_t i = 0; i < kKeys; ++i) ValueOf(db->Put(NumberedKey(i), Value(i)));
    EXPECT_TRUE(IsOk(db->Settle()));
    snapshot.emplace(db->GetSnapshot(Labelled("held")));
    for (size_t i = 0; i < kKeys; i += 3) ValueOf(db->Put(NumberedKey(i), Value(i + 1)));
    for (size_t i = 1; i < kKeys; i += 4) ValueOf(db->Delete(NumberedKey(i)));
    for (size_t i = 0; i < kKeys; i += 2) {
      batch.Put(NumberedKey(i) + "+", Value(i + 1));
      batch.Put(NumberedKey(i), Value(i));
      batch.Delete(NumberedKey(i + 1));
    }
    batch.DeleteRange({range_lower, range_upper});
    batch.Put(NumberedKey(8), "kept");
    for (const std::string& key : all_keys) key_views.push_back(key);
    lower_bounded.lower_bound = range_lower;
    lower_bounded.prefix = "key0000";
    live_iterator.emplace(db->NewIterator());
    snapshot_iterator.emplace(snapshot->NewIterator());
    snapshot_iterator->Seek(NumberedKey(4));
    before = test::ReadForward(*db);
    frozen = test::ReadForward(*snapshot);
  }

  static std::string Value(size_t i) { return std::string(i % 3 == 0 ? 40 : 5, 'a' + char(i)); }
  static std::vector<std::string> AllKeys() {
    std::vector<std::string> keys;
    for (size_t i = 0; i < kKeys; ++i) keys.push_back(NumberedKey(i));
    return keys;
  }

  static constexpr size_t kKeys = 20;
  test::ManualClock clock{1000};
  std::unique_ptr<Db> db;
  std::optional<Snapshot> snapshot;
  std::optional<Iterator> live_iterator;      // Not anchored.
  std::optional<Iterator> snapshot_iterator;  // At key 4.
  std::vector<Entry> before;                  // The live view.
  std::vector<Entry> frozen;                  // The snapshot's.

  const std::string present = NumberedKey(2);
  const std::string absent = NumberedKey(2) + "x";
  const std::string present_value = Value(2);
  const std::string large = std::string(100, 'L');
  const std::string long_label = std::string(100, 'l');
  const std::string range_lower = NumberedKey(5);
  const std::string range_upper = NumberedKey(15);
  const std::vector<std::string> all_keys = AllKeys();
  std::vector<std::string_view> key_views;
  WriteBatch batch;
  IteratorOptions lower_bounded;
  SnapshotOptions snapshot_options = Labelled(std::string(100, 'l'), std::string(100, 'o'));

  // What calls make; here so that it outlives the shortage.
  std::optional<Snapshot> made_snapshot;
  std::optional<Iterator> made_iterator;
  std::string copied;
};

struct Call {
  const char* name;
  absl::Status (*run)(Scene& scene);
};

absl::Status WalkForward(Iterator& iterator) {
  for (iterator.SeekToFirst(); iterator.Valid(); iterator.Next()) continue;
  return iterator.status();
}

absl::Status WalkBackward(Iterator& iterator) {
  for (iterator.SeekToLast(); iterator.Valid(); iterator.Prev()) continue;
  return iterator.status();
}

const Call kWrites[] = {
    {"Put of a new key", [](Scene& s) { return s.db->Put(s.absent, "1").status(); }},
    {"Put of a known key", [](Scene& s) { return s.db->Put(s.present, "1").status(); }},
    {"Put of a large value", [](Scene& s) { return s.db->Put(s.present, s.large).status(); }},
    {"Delete", [](Scene& s) { return s.db->Delete(s.present).status(); }},
    {"Delete of nothing", [](Scene& s) { return s.db->Delete(s.absent).status(); }},
    {"DeleteRange",
     [](Scene& s) {
       return s.db->DeleteRange({s.range_lower, s.range_upper}).status();
     }},
    {"Clear", [](Scene& s) { return s.db->Clear().status(); }},
    {"Write", [](Scene& s) { return s.db->Write(s.batch).status(); }},
    {"LoadOrStore of a new key",
     [](Scene& s) { return s.db->LoadOrStore(s.absent, s.large).status(); }},
    {"LoadOrStore of a known key",
     [](Scene& s) { return s.db->LoadOrStore(s.present, s.large).status(); }},
    {"LoadOrStore with a factory",
     [](Scene& s) {
       const auto factory = [] { return absl::StatusOr<std::string>("made"); };
       return s.db->LoadOrStore(s.absent, factory).status();
     }},
    {"LoadAndDelete", [](Scene& s) { return s.db->LoadAndDelete(s.present).status(); }},
    {"Swap", [](Scene& s) { return s.db->Swap(s.present, s.large).status(); }},
    {"CompareAndSwap",
     [](Scene& s) { return s.db->CompareAndSwap(s.present, s.present_value, s.large).status(); }},
    {"CompareAndSwap that refuses",
     [](Scene& s) { return s.db->CompareAndSwap(s.present, s.large, s.large).status(); }},
    {"CompareAndDelete",
     [](Scene& s) { return s.db->CompareAndDelete(s.present, s.present_value).status(); }},
};

// These change nothing that a reader could see.
const Call kOthers[] = {
    {"Get", [](Scene& s) { return s.db->Get(s.all_keys[3]).status(); }},
    {"Get into a string", [](Scene& s) { return s.db->Get(s.all_keys[3], &s.copied).status(); }},
    {"GetPinned", [](Scene& s) { return s.db->GetPinned(s.all_keys[3]).status(); }},
    {"MultiGet", [](Scene& s) { return s.db->MultiGet(s.key_views).status(); }},
    {"MultiGet into a vector",
     [](Scene& s) {
       std::vector<std::optional<std::string>> values;
       return s.db->MultiGet(s.key_views, &values);
     }},
    {"Contains", [](Scene& s) { return s.db->Contains(s.present).status(); }},
    {"ApproximateCount",
     [](Scene& s) {
       return s.db->ApproximateCount({s.range_lower, s.range_upper}).status();
     }},
    {"ApproximateBytes",
     [](Scene& s) {
       return s.db->ApproximateBytes({s.range_lower, s.range_upper}).status();
     }},
    {"Range",
     [](Scene& s) {
       return s.db->Range(s.lower_bounded, [](std::string_view, std::string_view) { return true; });
     }},
    {"Settle", [](Scene& s) { return s.db->Settle(); }},
    {"StepBackgroundWork",
     [](Scene& s) {
       while (true) {
         const absl::StatusOr<bool> worked = s.db->StepBackgroundWork();
         if (!worked.ok() || !*worked) return worked.status();
       }
     }},
    {"VerifyInvariants", [](Scene& s) { return s.db->VerifyInvariants(); }},
    {"Stats", [](Scene& s) { return s.db->Stats().status(); }},
    {"LiveSnapshots", [](Scene& s) { return s.db->LiveSnapshots().status(); }},
    {"GetSnapshot",
     [](Scene& s) {
       s.made_snapshot.emplace(s.db->GetSnapshot(std::move(s.snapshot_options)));
       return s.made_snapshot->status();
     }},
    {"Snapshot::Get", [](Scene& s) { return s.snapshot->Get(s.all_keys[3]).status(); }},
    {"Snapshot::GetPinned", [](Scene& s) { return s.snapshot->GetPinned(s.all_keys[3]).status(); }},
    {"Snapshot::MultiGet", [](Scene& s) { return s.snapshot->MultiGet(s.key_views).status(); }},
    {"Snapshot::Range",
     [](Scene& s) {
       return s.snapshot->Range({}, [](std::string_view, std::string_view) { return true; });
     }},
    {"Snapshot::Clone",
     [](Scene& s) {
       s.made_snapshot.emplace(s.snapshot->Clone());
       return s.made_snapshot->status();
     }},
    {"Snapshot::NewIterator",
     [](Scene& s) {
       s.made_iterator.emplace(s.snapshot->NewIterator(s.lower_bounded));
       return s.made_iterator->status();
     }},
    {"NewIterator",
     [](Scene& s) {
       s.made_iterator.emplace(s.db->NewIterator(s.lower_bounded));
       return s.made_iterator->status();
     }},
    {"Iterator::Clone",
     [](Scene& s) {
       s.made_iterator.emplace(s.snapshot_iterator->Clone());
       return s.made_iterator->status();
     }},
    {"Iterator::Seek",
     [](Scene& s) {
       s.live_iterator->Seek(s.present);
       return s.live_iterator->status();
     }},
    {"Iterator::SeekForPrev",
     [](Scene& s) {
       s.live_iterator->SeekForPrev(s.present);
       return s.live_iterator->status();
     }},
    {"a walk forward", [](Scene& s) { return WalkForward(*s.live_iterator); }},
    {"a walk backward", [](Scene& s) { return WalkBackward(*s.live_iterator); }},
    {"a snapshot's walk forward", [](Scene& s) { return WalkForward(*s.snapshot_iterator); }},
    {"a snapshot's walk backward", [](Scene& s) { return WalkBackward(*s.snapshot_iterator); }},
    {"Iterator::Refresh", [](Scene& s) { return s.live_iterator->Refresh(); }},
};

struct Shortage {
  const char* name;
  BackgroundMode background;
  FailingAllocations::Then then;
};

class OutOfMemoryTest : public ::testing::TestWithParam<Shortage> {
 protected:
  // Tries `call` with every allocation failing in turn. `after` is the live view that it
  // leads to.
  void FailEachAllocationOf(const Call& call) {
    std::vector<Entry> after;
    CommitTs latest_after;
    {
      Scene undisturbed(GetParam().background);
      ASSERT_TRUE(IsOk(call.run(undisturbed))) << call.name;
      after = test::ReadForward(*undisturbed.db);
      latest_after = undisturbed.db->LatestCommitTs();
    }
    constexpr int kMostAllocations = 20'000;
    for (int succeeding = 0; succeeding < kMostAllocations; ++succeeding) {
      SCOPED_TRACE(std::string(call.name) + ", allocation " + std::to_string(succeeding + 1));
      Scene scene(GetParam().background);
      const CommitTs latest_before = scene.db->LatestCommitTs();
      absl::Status status;
      {
        const FailingAllocations failing(succeeding, GetParam().then);
        status = call.run(scene);
      }
      if (status.ok()) {
        ExpectState(scene, after, latest_after);
      } else {
        EXPECT_TRUE(FailsWith(status, ErrorKind::kOutOfMemory));
        ExpectState(scene, scene.before, latest_before);
        ExpectToStayIfFailed(*scene.live_iterator);
        ExpectToStayIfFailed(*scene.snapshot_iterator);
        EXPECT_TRUE(IsOk(call.run(scene))) << "memory is back";
        ExpectState(scene, after, latest_after);
      }
      ExpectEverythingWorks(scene);
      if (FailingAllocations::failures() == 0 || HasFailure()) return;
    }
    FAIL() << call.name << " never gets through";
  }

  void ExpectState(Scene& scene, const std::vector<Entry>& live, CommitTs latest) {
    EXPECT_EQ(scene.db->LatestCommitTs(), latest);
    EXPECT_EQ(test::ReadForward(*scene.db), live);
    EXPECT_EQ(test::ReadBackward(*scene.db), live);
    EXPECT_EQ(test::ReadForward(*scene.snapshot), scene.frozen);
    EXPECT_EQ(ValueOf(scene.db->Stats()).key_count, live.size());
    EXPECT_TRUE(IsOk(scene.db->VerifyInvariants()));
  }

  // A failure is sticky: only a seek clears it, as the next run of the call does.
  void ExpectToStayIfFailed(Iterator& iterator) {
    const absl::Status failure = iterator.status();
    if (failure.ok()) return;
    EXPECT_FALSE(iterator.Valid());
    iterator.Next();
    EXPECT_FALSE(iterator.Valid());
    iterator.Prev();
    EXPECT_FALSE(iterator.Valid());
    EXPECT_EQ(iterator.status(), failure);
  }

  void ExpectEverythingWorks(Scene& scene) {
    EXPECT_TRUE(IsOk(WalkForward(*scene.live_iterator)));
    EXPECT_TRUE(IsOk(WalkBackward(*scene.snapshot_iterator)));
    ValueOf(scene.db->Put("another", scene.large));
    EXPECT_EQ(ValueOf(scene.db->Get("another")), scene.large);
    EXPECT_EQ(test::ReadForward(*scene.snapshot), scene.frozen);
    scene.snapshot.reset();
    scene.live_iterator.reset();
    scene.snapshot_iterator.reset();
    scene.made_snapshot.reset();
    scene.made_iterator.reset();
    EXPECT_TRUE(IsOk(scene.db->Settle()));
    const DbStats stats = ValueOf(scene.db->Stats());
    EXPECT_EQ(stats.live_snapshot_count, 0u) << "a pin was lost";
    EXPECT_EQ(stats.version_count, stats.key_count);
    EXPECT_TRUE(IsOk(scene.db->VerifyInvariants()));
  }

  const FailingBlocks failing_blocks_{};
};

TEST_P(OutOfMemoryTest, WritesHappenWhollyOrNotAtAll) {
  for (const Call& call : kWrites) {
    FailEachAllocationOf(call);
    ASSERT_FALSE(HasFailure());
  }
}

TEST_P(OutOfMemoryTest, OtherCallsAnswerOrSayWhyNot) {
  for (const Call& call : kOthers) {
    FailEachAllocationOf(call);
    ASSERT_FALSE(HasFailure());
  }
}

// Many writes under one shortage after the other: splits and inner nodes included.
TEST_P(OutOfMemoryTest, ALongRunOfFailuresLosesNothing) {
  Scene scene(GetParam().background);
  test::Oracle oracle;
  oracle.Clear(ValueOf(scene.db->Clear()));
  for (int i = 0; i < 1500; ++i) {
    const std::string key = NumberedKey(static_cast<size_t>(i * 37 % 200));
    const std::string value = Scene::Value(static_cast<size_t>(i % 20));
    absl::StatusOr<CommitTs> committed;
    {
      const FailingAllocations failing(i % 7, GetParam().then);
      committed = i % 5 == 0 ? scene.db->Delete(key) : scene.db->Put(key, value);
    }
    if (!committed.ok()) {
      EXPECT_TRUE(FailsWith(committed, ErrorKind::kOutOfMemory));
    } else if (i % 5 == 0) {
      oracle.Delete(*committed, key);
    } else {
      oracle.Put(*committed, key, value);
    }
    if (i % 50 == 0) {
      ASSERT_EQ(test::ReadForward(*scene.db), oracle.View(scene.db->LatestCommitTs())) << i;
      ASSERT_TRUE(IsOk(scene.db->VerifyInvariants())) << i;
    }
  }
  EXPECT_EQ(test::ReadBackward(*scene.db), oracle.View(scene.db->LatestCommitTs()));
  EXPECT_EQ(test::ReadForward(*scene.snapshot), scene.frozen);
}

TEST_P(OutOfMemoryTest, LettingGoNeedsNoMemory) {
  for (int part = 0; part < 5; ++part) {
    Scene scene(GetParam().background);
    scene.made_snapshot.emplace(scene.snapshot->Clone());
    scene.live_iterator->SeekToFirst();
    std::optional<PinnedValue> pinned = ValueOf(scene.db->GetPinned(scene.present));
    {
      const FailingAllocations failing(0, GetParam().then);
      if (part == 0) scene.snapshot_iterator.reset();
      if (part == 1) scene.live_iterator.reset();
      if (part == 2) scene.snapshot.reset(), scene.made_snapshot.reset();
      if (part == 3) pinned.reset();
      if (part == 4) scene.db.reset();
    }
    if (scene.db == nullptr) continue;
    EXPECT_TRUE(IsOk(scene.db->Settle()));
    EXPECT_TRUE(IsOk(scene.db->VerifyInvariants()));
  }
}

TEST_P(OutOfMemoryTest, CloseNeedsNoMemory) {
  Scene scene(GetParam().background);
  absl::Status status;
  {
    const FailingAllocations failing(0, GetParam().then);
    status = scene.db->Close();
  }
  EXPECT_TRUE(IsOk(status));
  EXPECT_TRUE(FailsWith(scene.db->Get("a"), ErrorKind::kClosed));
}

INSTANTIATE_TEST_SUITE_P(
    Shortages, OutOfMemoryTest,
    ::testing::Values(
        Shortage{"OnceManual", BackgroundMode::kManual, FailingAllocations::Then::kOneFails},
        Shortage{"LastingManual", BackgroundMode::kManual, FailingAllocations::Then::kAllFail},
        Shortage{"OnceInline", BackgroundMode::kInline, FailingAllocations::Then::kOneFails},
        Shortage{"LastingInline", BackgroundMode::kInline, FailingAllocations::Then::kAllFail}),
    [](const auto& shortage) { return shortage.param.name; });

TEST(OutOfMemoryOpenTest, OpeningFailsOrWorks) {
  const FailingBlocks failing_blocks;
  const Options options = test::TinyOptions();
  for (const auto then :
       {FailingAllocations::Then::kOneFails, FailingAllocations::Then::kAllFail}) {
    for (int succeeding = 0;; ++succeeding) {
      absl::StatusOr<std::unique_ptr<Db>> opened;
      {
        const FailingAllocations failing(succeeding, then);
        opened = Db::OpenInMemory(options);
      }
      if (!opened.ok()) {
        EXPECT_TRUE(FailsWith(opened, ErrorKind::kOutOfMemory));
        continue;
      }
      ValueOf((*opened)->Put("a", "1"));
      EXPECT_EQ(ValueOf((*opened)->Get("a")), "1");
      if (FailingAllocations::failures() == 0) break;
    }
  }
}

}  // namespace
}  // namespace firn
