#include "bench/engines.h"

#include <cctype>
#include <map>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"

namespace firn::bench {

// For GoogleTest.
void PrintTo(const EngineKind& kind, std::ostream* out) { *out << kind.name; }

namespace {

constexpr size_t kEntries = 500;

Workload SmallWorkload(uint64_t seed) { return Workload({.entry_count = kEntries, .seed = seed}); }

// The keys of `other`, none of which is in `workload`.
Lookups AbsentKeys(const Workload& other) {
  Lookups lookups(other.key_bytes());
  for (uint32_t i = 0; i < kEntries; ++i) lookups.Add(i, other.key(i), other.value(i));
  return lookups;
}

// What ScanFromEach() must read, by a map.
Checksum ReadFromEach(const Workload& workload, const Lookups& lookups, size_t count) {
  std::map<std::string_view, std::string_view> map;
  for (size_t i = 0; i < kEntries; ++i) map.emplace(workload.key(i), workload.value(i));
  Checksum read;
  for (size_t i = 0; i < lookups.size(); ++i) {
    auto it = map.lower_bound(lookups.key(i));
    for (size_t left = count; left != 0 && it != map.end(); ++it, --left) {
      read.Add(it->first, it->second);
    }
  }
  return read;
}

class EnginesTest : public testing::TestWithParam<EngineKind> {
 protected:
  const EngineKind& kind() const { return GetParam(); }

  const Workload workload_ = SmallWorkload(1);
  const Workload other_ = SmallWorkload(2);
};

TEST_P(EnginesTest, FindsWhatIsThere) {
  const Lookups& lookups = workload_.zipf_lookups();
  const std::unique_ptr<LoadedEngine> engine = kind().load(workload_);
  for (size_t view = 0; view < LoadedEngine::kViews; ++view) {
    EXPECT_EQ(engine->LookUp(view, lookups, 0, kEntries), lookups.checksum());
  }
}

TEST_P(EnginesTest, DoesNotFindWhatIsNotThere) {
  const std::unique_ptr<LoadedEngine> engine = kind().load(workload_);
  EXPECT_EQ(engine->LookUp(0, AbsentKeys(other_), 0, kEntries), Checksum());
}

TEST_P(EnginesTest, ScansAllOfIt) {
  const std::unique_ptr<LoadedEngine> engine = kind().load(workload_);
  for (int pass = 0; pass < 2; ++pass) {
    if (kind().is_ordered) {
      EXPECT_EQ(engine->ScanForward(0), workload_.entry_checksum());
    }
    if (kind().is_reversible) {
      EXPECT_EQ(engine->ScanBackward(0), workload_.entry_checksum());
    }
  }
}

TEST_P(EnginesTest, SeeksToTheNextKey) {
  if (!kind().is_ordered) return;
  const std::unique_ptr<LoadedEngine> engine = kind().load(workload_);
  const Lookups absent = AbsentKeys(other_);
  for (const Lookups* lookups : {&workload_.uniform_lookups(), &absent}) {
    for (const size_t count : {1, 10}) {
      EXPECT_EQ(engine->ScanFromEach(0, *lookups, 0, kEntries, count),
                ReadFromEach(workload_, *lookups, count));
    }
  }
}

TEST_P(EnginesTest, HoldsWhatWasPutLast) {
  if (kind().make == nullptr) return;
  std::vector<KeyValue> changed;
  Checksum content;
  for (size_t i = 0; i < kEntries; ++i) {
    changed.push_back({workload_.key(i), other_.value(i)});
    content.Add(workload_.key(i), other_.value(i));
  }
  const std::unique_ptr<WritableEngine> engine = kind().make(workload_);
  engine->PutInBatches(EntriesOf(workload_), 7);
  EXPECT_EQ(engine->Content(workload_), workload_.entry_checksum());
  engine->Settle();
  engine->Put(changed);
  EXPECT_EQ(engine->Content(workload_), content);
}

std::vector<EngineKind> AllKinds() {
  std::vector<EngineKind> kinds = PeerKinds();
  kinds.push_back(FirnKind());
  return kinds;
}

std::string TestName(const testing::TestParamInfo<EngineKind>& info) {
  std::string name;
  for (const char c : info.param.name)
    name += std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  return name;
}

INSTANTIATE_TEST_SUITE_P(All, EnginesTest, testing::ValuesIn(AllKinds()), TestName);

}  // namespace
}  // namespace firn::bench
