// Protocol: commits are published in stamp order (mvcc/timestamp_oracle.h). Whoever sees N as
// visible sees everything that the commits up to N wrote; a commit whose turn is not yet sleeps
// and is woken by its predecessor, which takes no lock when nobody sleeps.
#include "tests/models/relacy_atomics.h"

namespace firn::internal {
namespace {

template <class Policy>
using TestOracle = BasicTimestampOracle<Policy, RelacyMutex, RelacyCondVar>;

// Committers stamp, write, publish; a reader looks at all that it may. A sleeper that is not
// woken is a deadlock.
template <class Policy, unsigned kCommitters>
struct CommittersAndReader
    : rl::test_suite<CommittersAndReader<Policy, kCommitters>, kCommitters + 1> {
  TestOracle<Policy> oracle{SpinLimits{0, 0}};
  Plain<int> written[kCommitters + 1];

  void thread(unsigned index) {
    if (index < kCommitters) {
      const Stamp stamp = oracle.Next(0);
      Require(stamp.predecessor == stamp.ts - 1);
      written[stamp.ts].set(1);
      oracle.Publish(stamp);
      Require(oracle.visible() >= stamp.ts);
      return;
    }
    uint64_t before = 0;
    for (int i = 0; i < 2; ++i) {
      const uint64_t visible = oracle.visible();
      Require(visible >= before);
      for (uint64_t ts = 1; ts <= visible; ++ts) Require(written[ts].get() == 1);
      before = visible;
    }
  }
  void after() { Require(oracle.visible() == kCommitters); }
};

// Somebody waits for a timestamp of a commit that is not his.
template <class Policy>
struct WaitForVisible : rl::test_suite<WaitForVisible<Policy>, 2> {
  TestOracle<Policy> oracle{SpinLimits{0, 0}};
  Plain<int> written;

  void thread(unsigned index) {
    if (index == 0) {
      const Stamp first = oracle.Next(0);
      const Stamp second = oracle.Next(0);
      written.set(1);
      oracle.Publish(first);
      oracle.Publish(second);
    } else {
      oracle.WaitVisible(2);
      Require(written.get() == 1);
    }
  }
};

// Caller-given timestamps race with the clock's: all are unique, and each follows one stamp.
template <class Policy>
struct GivenStamps : rl::test_suite<GivenStamps<Policy>, 3> {
  TestOracle<Policy> oracle{SpinLimits{0, 0}};
  Stamp stamps[3];

  void thread(unsigned index) {
    if (index == 0) {
      Stamp& stamp = stamps[index];
      if (oracle.At(2, 0, &stamp) == GivenTs::kInPast) stamp = oracle.Next(0);
    } else {
      stamps[index] = oracle.Next(0);
    }
    oracle.Publish(stamps[index]);
  }
  void after() {
    std::sort(stamps, stamps + 3, [](const Stamp& a, const Stamp& b) { return a.ts < b.ts; });
    uint64_t last = 0;
    for (const Stamp& stamp : stamps) {
      Require(stamp.predecessor == last && stamp.ts > last);
      last = stamp.ts;
    }
    Require(oracle.visible() == last && oracle.last_stamped() == last);
  }
};

}  // namespace
}  // namespace firn::internal

int main() {
  using namespace firn::internal;
  ModelRun run("publishing in stamp order");
  run.MustPass<CommittersAndReader<Shipped, 2>>("two committers", 300'000);
  run.MustPass<CommittersAndReader<Shipped, 3>>("three committers", 300'000);
  run.MustFail<CommittersAndReader<Relaxed<Field::kVisibleTs>, 3>>("  visible_ts relaxed", 300'000);
  run.MustFail<CommittersAndReader<NoSeqCst<Field::kVisibleTs>, 3>>("  visible_ts without seq_cst",
                                                                    300'000);
  run.MustFail<CommittersAndReader<Relaxed<Field::kWaiterCount>, 3>>("  sleepers relaxed", 300'000);
  run.MustFail<CommittersAndReader<NoSeqCst<Field::kWaiterCount>, 3>>("  sleepers without seq_cst",
                                                                      300'000);
  run.MustPass<WaitForVisible<Shipped>>("wait until visible", 300'000);
  run.MustFail<WaitForVisible<Relaxed<Field::kVisibleTs>>>("  visible_ts relaxed", 300'000);
  run.MustFail<WaitForVisible<NoSeqCst<Field::kWaiterCount>>>("  sleepers without seq_cst",
                                                              300'000);
  run.MustPass<GivenStamps<Shipped>>("given timestamps", 300'000);
  return run.ExitCode();
}
