#include "mvcc/frozen_block.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <limits>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"
#include "tests/support/leaf_builder.h"

namespace firn::internal {
namespace {

using std::string_literals::operator""s;
using test::ChainVersion;
using test::ToString;

using Chains = std::map<std::string, std::vector<ChainVersion>>;

// A block and what it was built of.
class BuiltBlock {
 public:
  // Values of `large_bytes` and more are large.
  explicit BuiltBlock(Chains chains, size_t large_bytes = SIZE_MAX)
      : chains_(std::move(chains)), values_(allocator_, heap_, large_bytes) {
    std::vector<FrozenEntry> entries;
    std::vector<VersionView> older;
    older.push_back(values_.View({1, "nobody's"}));  // Entries name their own by index.
    for (const auto& [key, chain] : chains_) AddEntry(key, chain, &entries, &older);
    plan_ = FrozenBlock::MakePlan(entries, older);
    memory_.assign(plan_.total_bytes / 8 + 3, kCanary);
    block_ = FrozenBlock::Build(memory_.data(), plan_, entries, older);
    // Nothing of the sources is needed any more.
    for (FrozenEntry& entry : entries) entry = {};
    for (VersionView& version : older) version = {};
  }
  // The block after `source`: these keys of it have other versions now.
  BuiltBlock(const BuiltBlock& source, const Chains& changes)
      : chains_(source.chains_), values_(allocator_, heap_) {
    for (const auto& [key, chain] : changes) chains_.at(key) = chain;
    std::vector<uint32_t> places;
    std::vector<FrozenEntry> entries;
    std::vector<VersionView> older;
    for (const auto& [key, chain] : chains_) {
      if (!changes.contains(key) && chain.size() == 1) continue;
      places.push_back(source->Find(key).index);
      AddEntry(key, chain, &entries, &older);
    }
    const BlockPatch patch{*source, places, entries, older};
    plan_ = FrozenBlock::MakePlan(patch);
    memory_.assign(plan_.total_bytes / 8 + 3, kCanary);
    block_ = FrozenBlock::Build(memory_.data(), plan_, patch);
  }
  ~BuiltBlock() {
    block_->ForEachLarge([](LargeValue* large) {
      if (large->DropRef()) LargeValue::Destroy(large);
    });
  }

  const FrozenBlock& operator*() const { return *block_; }
  const FrozenBlock* operator->() const { return block_; }
  const FrozenBlock::Plan& plan() const { return plan_; }
  LargeValueHeap& account() { return heap_; }

  // That the block holds exactly what it was built of.
  void Check() const {
    const auto* end = reinterpret_cast<const char*>(memory_.data()) + plan_.total_bytes;
    EXPECT_EQ(std::memcmp(end, &kCanary, 8 - plan_.total_bytes % 8), 0) << "wrote past its end";
    ASSERT_EQ(block_->count(), chains_.size());
    uint32_t i = 0;
    uint32_t j = 0;
    uint64_t max_ts = 0;
    bool has_tombstones = false;
    for (const auto& [key, chain] : chains_) {
      ASSERT_TRUE(block_->key(i) == key) << "key " << i;
      EXPECT_EQ(ToString(block_->newest(i)), test::ToString({chain[0]}));
      EXPECT_EQ(block_->commit_ts(i), chain[0].commit_ts);
      EXPECT_EQ(block_->kind(i) == ValueKind::kTombstone, !chain[0].value.has_value());
      has_tombstones |= !chain[0].value.has_value();
      const FrozenBlock::OlderRange older = block_->OlderOf(i);
      EXPECT_EQ(older.end - older.begin, chain.size() - 1);
      EXPECT_TRUE(older.begin == j || !block_->has_older());
      for (size_t k = 0; k < chain.size(); ++k) {
        max_ts = std::max(max_ts, chain[k].commit_ts);
        if (k == 0) continue;
        EXPECT_EQ(ToString(block_->older(j)), test::ToString({chain[k]}));
        EXPECT_EQ(block_->older_commit_ts(j), chain[k].commit_ts);
        ++j;
      }
      const KeyPosition at = block_->Find(key);
      EXPECT_EQ(at.index, i);
      EXPECT_TRUE(at.exact);
      const KeyPosition behind = block_->Find(key + '\0');
      EXPECT_EQ(behind.index, i + 1) << "behind key " << i;
      ++i;
    }
    EXPECT_EQ(block_->older_count(), j);
    EXPECT_EQ(block_->has_older(), j != 0);
    EXPECT_EQ(block_->max_commit_ts(), max_ts);
    EXPECT_EQ(block_->has_tombstones(), has_tombstones);
  }

 private:
  static constexpr uint64_t kCanary = 0xC5C5C5C5C5C5C5C5;

  void AddEntry(std::string_view key, const std::vector<ChainVersion>& chain,
                std::vector<FrozenEntry>* entries, std::vector<VersionView>* older) {
    FrozenEntry entry;
    entry.key = key;
    entry.newest = values_.View(chain[0]);
    entry.older_begin = static_cast<uint32_t>(older->size());
    entry.older_count = static_cast<uint32_t>(chain.size() - 1);
    for (size_t i = 1; i < chain.size(); ++i) older->push_back(values_.View(chain[i]));
    entries->push_back(entry);
  }

  Chains chains_;
  SpanAllocator allocator_;
  LargeValueHeap heap_;
  test::LeafBuilder values_;
  FrozenBlock::Plan plan_;
  std::vector<uint64_t> memory_;
  FrozenBlock* block_;
};

std::vector<ChainVersion> Chain(std::string_view text) { return test::ParseChain(text); }

TEST(FrozenBlockTest, HoldsNothing) {
  const BuiltBlock block({});
  block.Check();
  EXPECT_EQ(block->record_bytes(), 0u);
  EXPECT_EQ(block->max_commit_ts(), 0u);
  EXPECT_TRUE(block->PlainAt(0));
  EXPECT_EQ(block->Find("any").index, 0u);
  EXPECT_FALSE(block->Find("any").exact);
}

TEST(FrozenBlockTest, HoldsKeysOfEverySize) {
  const struct {
    const char* name;
    std::vector<std::string> keys;
    uint8_t key_size_width;
    size_t prefix_size;
  } kCases[] = {
      {"the empty key alone", {""}, 0, 0},
      {"the empty key among others", {"", "a", "b"}, 1, 0},
      {"one key, all of it prefix", {"alone"}, 0, 5},
      {"one size", {"aaa", "abc", "b\0\0"s}, 0, 0},
      {"one is the prefix of all", {"ab", "abc", "abcd"}, 1, 2},
      {"a shared prefix of 5", {"12345a", "12345b"}, 0, 5},
      {"a shared prefix of 25", {std::string(25, 'p') + "a", std::string(25, 'p') + "bb"}, 1, 25},
      {"equal heads behind the prefix", {"p-abcd1", "p-abcd2", "p-abcd3", "p-b"}, 1, 2},
      {"zero bytes", {"\0"s, "\0\0"s, "\0\0\0\0\0"s, "\0\1"s}, 1, 1},
      {"0xff bytes", {"\xff"s, "\xff\xff\xff\xff"s, "\xff\xff\xff\xff\xff"s}, 1, 1},
      {"255 bytes at most", {"s", std::string(255, 't')}, 1, 0},
      {"256 bytes", {"s", std::string(256, 't')}, 2, 0},
      {"65,535 bytes, one size", {std::string(65'535, 'k')}, 0, 65'535},
      {"65,535 bytes beside none", {"", std::string(65'535, 'k')}, 2, 0},
      {"65,535 bytes, prefix of all but one",
       {std::string(65'534, 'k') + 'a', std::string(65'534, 'k') + 'b'},
       0,
       65'534},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.name);
    std::map<std::string, std::vector<ChainVersion>> chains;
    for (const std::string& key : c.keys) chains[key] = {{7, "value of " + key.substr(0, 9)}};
    const BuiltBlock block(chains);
    block.Check();
    EXPECT_EQ(block.plan().key_size_width, c.key_size_width);
    EXPECT_EQ(block.plan().prefix_size, c.prefix_size);
    EXPECT_EQ(block->Find("").index, 0u);
    EXPECT_EQ(block->Find(std::string(70'000, '\xff')).index, c.keys.size());
  }
}

// Pieces of different sizes are copied in different ways; alone, each ends at the block's end.
TEST(FrozenBlockTest, HoldsValuesOfEverySize) {
  std::map<std::string, std::vector<ChainVersion>> all;
  for (size_t size = 0; size <= 300; ++size) {
    SCOPED_TRACE(size);
    std::string value;
    for (size_t i = 0; i < size; ++i) value.push_back(static_cast<char>(i * 37 + size));
    BuiltBlock({{"k", {{7, value}}}}).Check();
    all["k" + std::to_string(size)] = {{7, value}};
  }
  BuiltBlock(all).Check();
}

TEST(FrozenBlockTest, CommitTimesTakeAsManyBytesAsTheirSpreadNeeds) {
  constexpr uint64_t kMax32 = std::numeric_limits<uint32_t>::max();
  const struct {
    uint64_t first, second;
    uint8_t ts_width;
  } kCases[] = {
      {5, 5, 0},
      {0, 0, 0},
      {5, 6, 4},
      {6, 5, 4},
      {1, 1 + kMax32, 4},
      {1, 2 + kMax32, 8},
      {0, (uint64_t{1} << 63) - 1, 8},
      {(uint64_t{1} << 63) - 1, (uint64_t{1} << 63) - 1, 0},
      {(uint64_t{1} << 63) - 2, (uint64_t{1} << 63) - 1, 4},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(testing::Message() << c.first << " and " << c.second);
    const BuiltBlock block(
        {{"a", {{c.first, "1"}}}, {"bb", {{c.second, "2"}}}, {"c", {{c.first, "3"}}}});
    block.Check();
    EXPECT_EQ(block.plan().ts_width, c.ts_width);
  }
}

TEST(FrozenBlockTest, TheSpreadCountsOlderVersionsToo) {
  const BuiltBlock block({{"a", {{uint64_t{1} << 40, "new"}, {3, "old"}}}});
  block.Check();
  EXPECT_EQ(block.plan().ts_width, 8);
  EXPECT_EQ(block->max_commit_ts(), uint64_t{1} << 40);
}

TEST(FrozenBlockTest, OlderVersionsStandBehindTheMainRunByOwner) {
  const BuiltBlock block({{"a", Chain("9:a9 5:a5 2:a2")},
                          {"b", Chain("8:b8")},
                          {"c", Chain("9:c9 1:c1")},
                          {"d", Chain("3:d3")}});
  block.Check();
  EXPECT_EQ(block->older_count(), 3u);
  EXPECT_EQ(block->OlderOf(2).begin, 2u);
  EXPECT_EQ(block->OlderOf(2).end, 3u);
  EXPECT_EQ(block->OlderOf(3).begin, 3u);
  EXPECT_EQ(block->OlderOf(3).end, 3u);
  EXPECT_TRUE(block->PlainAt(9));
  EXPECT_FALSE(block->PlainAt(8));
}

TEST(FrozenBlockTest, TombstonesAreKindsWithoutBytes) {
  const BuiltBlock block(
      {{"a", Chain("9:- 7:a")}, {"b", Chain("8:b 6:- 5:old")}, {"c", Chain("1:-")}});
  block.Check();
  EXPECT_FALSE(block->PlainAt(100));
  EXPECT_EQ(block->newest(0).bytes(), "");
}

TEST(FrozenBlockTest, ATombstoneInTheTailLeavesTheMainRunPlain) {
  const BuiltBlock block({{"b", Chain("8:b 6:- 5:old")}});
  block.Check();
  EXPECT_TRUE(block->PlainAt(8));
}

TEST(FrozenBlockTest, PlainEntriesAreKeyAndValueSideBySide) {
  struct Entry {
    const char* key;
    const char* value;
    uint32_t key_size;
    uint32_t value_size;
  };
  using Contents = std::map<std::string, std::string>;
  const Contents kCases[] = {
      {{"", "of the empty key"}, {"k1", ""}, {"k22", "v"}, {"k3", "vv"}},  // Sizes of one byte.
      {{"k1", "a"}, {"k2", ""}, {"k3", "ccc"}},                            // One size.
      {{"k", "a"}, {std::string(256, 'k'), "b"}, {"z", "c"}},              // Sizes of two bytes.
      {{"k1", std::string(70'000, 'v')}, {"k2", "b"}, {"k3", "c"}},        // Wide offsets.
  };
  for (const Contents& contents : kCases) {
    std::map<std::string, std::vector<ChainVersion>> chains;
    for (const auto& [key, value] : contents) chains[key] = {{1, value}};
    const BuiltBlock block(chains);
    const auto count = static_cast<uint32_t>(contents.size());
    for (uint32_t first = 0; first <= count; ++first) {
      for (uint32_t last = first; last <= count; ++last) {
        std::vector<Entry> entries(count + 1);
        block->ForEachPlain(
            first, last, [&](uint32_t i, const char* key, uint32_t key_size, uint32_t value_size) {
              entries[i - first] = {key, key + key_size, key_size, value_size};
            });
        auto expected = std::next(contents.begin(), first);
        for (uint32_t i = 0; i < last - first; ++i, ++expected) {
          EXPECT_TRUE(std::string_view(entries[i].key, entries[i].key_size) == expected->first);
          EXPECT_TRUE(std::string_view(entries[i].value, entries[i].value_size) ==
                      expected->second);
          EXPECT_EQ(entries[i].key + entries[i].key_size, entries[i].value);
        }
        EXPECT_EQ(entries[last - first].key, nullptr) << "wrote more than asked";
      }
    }
  }
}

TEST(FrozenBlockTest, OffsetsWidenWhereTheBlockPasses64KiB) {
  for (const size_t bytes : {65'534, 65'535, 65'536, 65'537, 200'000}) {
    SCOPED_TRACE(bytes);
    const BuiltBlock block({{"a", {{1, "first"}}},
                            {"b", {{3, std::string(bytes - 14, 'v')}, {2, "old"}}},
                            {"c", {{1, "3"}}},
                            {"d", {{1, "4"}}}});
    ASSERT_EQ(block->record_bytes(), bytes);
    block.Check();
  }
}

TEST(FrozenBlockTest, CountsEachLargeValueOnce) {
  BuiltBlock block({{"a", Chain("9:large-a9 7:large-a7 3:small")},
                    {"b", Chain("8:-")},
                    {"c", Chain("8:large-c8")},
                    {"d", Chain("8:tiny")}},
                   /*large_bytes=*/7);
  block.Check();
  EXPECT_TRUE(block->has_large());
  EXPECT_EQ(block.account().value_count(), 4u);  // "nobody's", too.
  std::map<std::string, int> visits;
  block->ForEachLarge([&visits](LargeValue* large) { ++visits[std::string(large->view())]; });
  EXPECT_EQ(visits,
            (std::map<std::string, int>{{"large-a9", 1}, {"large-a7", 1}, {"large-c8", 1}}));
  EXPECT_EQ(block->newest(0).kind, ValueKind::kLarge);
  EXPECT_EQ(block->newest(0).stored_size(), sizeof(void*));
  EXPECT_EQ(block->record_bytes(), 4 + 3 * sizeof(void*) + 5 + 4);
}

TEST(FrozenBlockTest, ALargeValueOutlivesItsMakerByTheBlocksCount) {
  LargeValueHeap heap;
  LargeValue* large = LargeValue::Create("shared by count", &heap);
  FrozenEntry entry;
  entry.key = "k";
  entry.newest.kind = ValueKind::kLarge;
  entry.newest.data = reinterpret_cast<const char*>(large);
  const auto plan = FrozenBlock::MakePlan({&entry, 1}, {});
  std::vector<uint64_t> memory(plan.total_bytes / 8 + 1);
  const FrozenBlock* block = FrozenBlock::Build(memory.data(), plan, {&entry, 1}, {});
  EXPECT_FALSE(large->DropRef());
  EXPECT_EQ(block->newest(0).bytes(), "shared by count");
  EXPECT_TRUE(block->newest(0).large()->DropRef());
  LargeValue::Destroy(large);
}

TEST(FrozenBlockTest, AThousandKeysComeBack) {
  std::map<std::string, std::vector<ChainVersion>> chains;
  for (uint64_t i = 0; i < 1'000; ++i) {
    std::string key = "user:" + std::to_string(i * 7919 % 100'000);
    chains[key] = {{1'000 + i, "v" + std::to_string(i)}};
    if (i % 5 == 0) chains[key].push_back({i + 1, "older"});
    if (i % 7 == 0) chains[key].front().value.reset();
  }
  BuiltBlock(chains).Check();
}

TEST(FrozenBlockTest, APatchedBlockHasTheSameKeys) {
  const BuiltBlock source({{"a", Chain("5:xx")}, {"b", Chain("7:yy")}, {"c", Chain("6:zz")}});
  for (const Chains& changes : std::vector<Chains>{
           {},
           {{"a", Chain("9:XX")}},
           {{"c", Chain("9:ZZ")}},
           {{"a", Chain("9:XX")}, {"b", Chain("9:YY")}, {"c", Chain("8:ZZ")}},
           {{"b", Chain("9:YY 7:yy")}},
           {{"a", Chain("9:XX 8:longer 5:xx")}, {"c", Chain("9:ZZ 6:zz")}},
       }) {
    const BuiltBlock patched(source, changes);
    patched.Check();
    EXPECT_EQ(patched->min_commit_ts(), 5u);  // Not looked for: none is older.
  }
}

TEST(FrozenBlockTest, APatchWidensColumns) {
  const BuiltBlock at_once({{"a", Chain("5:xx")}, {"b", Chain("5:yy")}});
  EXPECT_EQ(at_once.plan().ts_width, 0);
  EXPECT_EQ(at_once.plan().offset_width, 0);
  const BuiltBlock later(at_once, {{"b", Chain("6:YY")}});
  EXPECT_EQ(later.plan().ts_width, 4);
  EXPECT_EQ(later.plan().offset_width, 0);
  later.Check();
  const BuiltBlock much_later(later, {{"a", Chain("9000000000:XX 5:xx")}});
  EXPECT_EQ(much_later.plan().ts_width, 8);
  EXPECT_EQ(much_later.plan().offset_width, 2);
  much_later.Check();
  const std::string large(40'000, 'x');
  const BuiltBlock wide(much_later, {{"a", {{9'000'000'001, "xX"}, {8, large}, {7, large}}}});
  EXPECT_EQ(wide.plan().offset_width, 4);
  wide.Check();
  const BuiltBlock narrow(wide, {{"a", Chain("9000000002:XX")}});
  EXPECT_EQ(narrow.plan().offset_width, 2);
  EXPECT_FALSE(narrow->has_older());
  narrow.Check();
}

// Keys and values of many sizes, versions that come and go.
TEST(FrozenBlockTest, ABlockIsPatchedManyTimes) {
  std::mt19937 random(7);
  Chains chains;
  for (int i = 0; i < 100; ++i) {
    chains[std::string(i % 7, 'k') + std::to_string(i)] = {{5, std::string(random() % 40, 'v')}};
  }
  auto block = std::make_unique<BuiltBlock>(chains);
  for (uint64_t ts = 6; ts < 60; ++ts) {
    Chains changes;
    for (auto& [key, chain] : chains) {
      if (random() % 8 != 0) continue;
      std::string value(chain[0].value->size(), static_cast<char>('a' + ts % 26));
      chain.insert(chain.begin(), {ts, value});
      if (random() % 3 != 0) chain.resize(1 + random() % chain.size());
      changes[key] = chain;
    }
    block = std::make_unique<BuiltBlock>(*block, changes);
    block->Check();
  }
}

}  // namespace
}  // namespace firn::internal
