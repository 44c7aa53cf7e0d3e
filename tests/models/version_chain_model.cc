// Protocol: the version chain (mvcc/version_chain.h). A reader beside a writer sees whole
// versions, newest first. A reader of the newest state pins nothing: it steps over a version that
// is not visible yet by loading the older pointer, then looking at visible_ts again, so that it
// never misses the answer to a pruner.
#include "tests/models/relacy_atomics.h"

namespace firn::internal {
namespace {

template <class Policy>
struct TestVersion : BasicVersion<Policy> {
  Plain<int> bytes;
  void Fill(uint64_t ts) {
    this->commit_ts = ts;
    bytes.set(static_cast<int>(ts));
  }
  int Read() const { return bytes.get(); }
};

template <class Policy>
using TestChain = BasicVersionChain<Policy, TestVersion<Policy>>;

// One thread pushes while two read.
template <class Policy>
struct PushAndRead : rl::test_suite<PushAndRead<Policy>, 3> {
  TestVersion<Policy> versions[3];
  TestChain<Policy> chain;

  void before() {
    versions[0].Fill(1);
    chain.Push(&versions[0]);
  }
  void thread(unsigned index) {
    if (index == 0) {
      for (uint64_t ts : {2, 3}) {
        versions[ts - 1].Fill(ts);
        chain.Push(&versions[ts - 1]);
      }
      return;
    }
    uint64_t expected = 0;
    for (const auto* version = chain.Head(); version != nullptr;
         version = TestChain<Policy>::Older(version)) {
      Require(expected == 0 || version->commit_ts == expected);
      Require(version->Read() == static_cast<int>(version->commit_ts));
      expected = version->commit_ts - 1;
    }
    Require(expected == 0);
    Require(chain.NewestAt(1) == &versions[0]);
  }
};

// The wrong way to read the newest state: looks at visible_ts again, then loads the older pointer.
template <class Chain, class VisibleTs>
auto NewestLookingTooEarly(const Chain& chain, const VisibleTs& visible) {
  uint64_t read_ts = visible();
  auto* version = chain.Head();
  while (version != nullptr && !IsVisible(version->commit_ts, read_ts)) {
    read_ts = visible();
    if (IsVisible(version->commit_ts, read_ts)) break;
    version = Chain::Older(version);
  }
  return version;
}

// A commit is pushed and published; a pruner then unlinks what it superseded. The key has a value
// at all times, so a reader finds one, no older than what was visible when it began.
template <class Policy, bool kLookTooEarly = false>
struct NewestAndPrune : rl::test_suite<NewestAndPrune<Policy, kLookTooEarly>, 3> {
  TestVersion<Policy> versions[3];
  TestChain<Policy> chain;
  typename Policy::template Atomic<uint64_t, Field::kVisibleTs> visible_ts{1};

  uint64_t Visible() const { return visible_ts.load(std::memory_order_acquire); }

  void before() {
    versions[0].Fill(1);
    chain.Push(&versions[0]);
  }
  void thread(unsigned index) {
    if (index == 0) {  // Commits, and at last pushes one that is not published at all.
      versions[1].Fill(2);
      chain.Push(&versions[1]);
      visible_ts.store(2, std::memory_order_release);
    } else if (index == 1) {  // Prunes; the latch is free once the commit is visible.
      PinnedSet pinned;
      pinned.horizon = Visible();
      if (pinned.horizon < 2) return;
      chain.Prune(pinned, [](TestVersion<Policy>*) {});
      versions[2].Fill(3);
      chain.Push(&versions[2]);
    } else {
      const uint64_t began_at = Visible();
      const auto visible = [this] { return Visible(); };
      const TestVersion<Policy>* found;
      if constexpr (kLookTooEarly) {
        found = NewestLookingTooEarly(chain, visible);
      } else {
        found = chain.Newest(visible);
      }
      Require(found != nullptr);
      Require(found->commit_ts >= began_at && found->commit_ts < 3);
      Require(found->Read() == static_cast<int>(found->commit_ts));
    }
  }
};

}  // namespace
}  // namespace firn::internal

int main() {
  using namespace firn::internal;
  ModelRun run("version chain");
  run.MustPass<PushAndRead<Shipped>>("push beside readers", 500'000);
  run.MustFail<PushAndRead<Relaxed<Field::kChainHead>>>("  head relaxed", 500'000);
  run.MustPass<NewestAndPrune<Shipped>>("read the newest beside a pruner", 1'000'000);
  run.MustFail<NewestAndPrune<Relaxed<Field::kChainHead>>>("  head relaxed", 1'000'000);
  run.MustFail<NewestAndPrune<Relaxed<Field::kChainOlder>>>("  older pointer relaxed", 1'000'000);
  run.MustFail<NewestAndPrune<Relaxed<Field::kVisibleTs>>>("  visible_ts relaxed", 1'000'000);
  run.MustFail<NewestAndPrune<Shipped, true>>("  second look before the older pointer", 1'000'000);
  return run.ExitCode();
}
