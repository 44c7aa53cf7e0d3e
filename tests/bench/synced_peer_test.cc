#include "bench/peers/synced_peer.h"

#include <memory>
#include <ostream>
#include <string>
#include <thread>
#include <vector>

#include "bench/scratch_directory.h"
#include "bench/workload.h"
#include "gtest/gtest.h"

namespace firn::bench {

// For GoogleTest.
void PrintTo(const SyncedKind& kind, std::ostream* out) { *out << kind.name; }

namespace {

class SyncedPeerTest : public testing::TestWithParam<SyncedKind> {};

TEST_P(SyncedPeerTest, HoldsWhatThreadsPutAtOnce) {
  const Workload workload({.entry_count = 40});
  std::vector<KeyValue> halves[2];
  for (size_t i = 0; i < workload.entry_count(); ++i) halves[i % 2].push_back(workload.entry(i));

  const ScratchDirectory scratch;
  const std::unique_ptr<SyncedPeer> peer = GetParam().make(scratch.path());
  EXPECT_EQ(peer->Content(), Checksum());
  std::thread other([&] { peer->Put(halves[1]); });
  peer->Put(halves[0]);
  other.join();
  EXPECT_EQ(peer->Content(), workload.entry_checksum());
}

std::vector<SyncedKind> AllKinds() {
  std::vector<SyncedKind> kinds = SyncedPeerKinds();
  kinds.push_back(SyncedFirn());
  return kinds;
}

INSTANTIATE_TEST_SUITE_P(All, SyncedPeerTest, testing::ValuesIn(AllKinds()),
                         [](const auto& kind) { return kind.param.name; });

}  // namespace
}  // namespace firn::bench
