#include "tests/support/test_map.h"

#include <utility>

#include "gtest/gtest.h"
#include "mvcc/check.h"
#include "mvcc/point_read.h"
#include "tests/support/leaf_builder.h"

namespace firn::test {

using internal::CommitWriter;
using internal::EpochGuard;
using internal::FindVersion;
using internal::FrozenBlock;
using internal::GivenTs;
using internal::InnerNode;
using internal::LargeValue;
using internal::LatestView;
using internal::Leaf;
using internal::LeafState;
using internal::OlderRun;
using internal::OrderedMap;
using internal::SnapshotView;
using internal::Stamp;
using internal::ValueKind;
using internal::VersionChain;
using internal::VersionView;

TuningOptions TinyTuning() {
  TuningOptions tuning;
  tuning.block_bytes = 64;
  tuning.block_entries = 2;
  tuning.delta_slots = 2;
  tuning.inner_fanout = 4;
  tuning.large_value_bytes = 16;
  return tuning;
}

TuningOptions RoomyTuning() {
  TuningOptions tuning = TinyTuning();
  tuning.block_bytes = 4'096;
  tuning.block_entries = 100;
  tuning.delta_slots = 16;
  return tuning;
}

PreparedWrites::PreparedWrites(OrderedMap& map, Writes writes)
    : map_(map), contents_(std::move(writes)) {
  owned_.reserve(contents_.size());
  writes_.reserve(contents_.size());
  try {
    for (const auto& [key, value] : contents_) {
      VersionView view;
      if (value && value->size() >= map.tuning().large_value_bytes) {
        view.kind = ValueKind::kLarge;
        owned_.push_back(LargeValue::Create(*value, &map.large_values()));
        view.data = reinterpret_cast<const char*>(owned_.back());
      } else if (value) {
        view.kind = ValueKind::kValue;
        view.data = value->data();
        view.size = static_cast<uint32_t>(value->size());
      }
      writes_.push_back({key, view});
    }
  } catch (...) {
    DropAll();
    throw;
  }
}

PreparedWrites::~PreparedWrites() { DropAll(); }

void PreparedWrites::DropAll() {
  for (LargeValue* large : owned_) map_.DropLarge(large);
}

Stamp TestMap::CommitUnpublished(uint64_t ts, const Writes& writes) {
  const PreparedWrites prepared(map(), writes);
  CommitWriter writer(map(), settler());
  for (const auto& write : prepared.writes()) writer.LatchKey(write.key);
  writer.Prepare(prepared.writes());
  Stamp stamp;
  const GivenTs given = versioned_->oracle().At(ts, ts, &stamp);
  FIRN_CHECK(given == GivenTs::kOk);
  writer.Apply(ts);
  return stamp;
}

uint64_t TestMap::CommitAt(uint64_t ts, const Writes& writes) {
  Publish(CommitUnpublished(ts, writes));
  return ts;
}

std::optional<std::string> TestMap::Get(std::string_view key, uint64_t read_ts) const {
  const EpochGuard guard;
  const VersionView found = FindVersion(*map().FindState(key), key, SnapshotView(read_ts));
  if (found.kind == ValueKind::kTombstone) return std::nullopt;
  return std::string(found.bytes());
}

std::optional<std::string> TestMap::GetLatest(std::string_view key) const {
  const EpochGuard guard;
  const VersionView found =
      FindVersion(*map().FindState(key), key, LatestView(versioned_->oracle()));
  if (found.kind == ValueKind::kTombstone) return std::nullopt;
  return std::string(found.bytes());
}

std::vector<TestMap::LeafShape> TestMap::Leaves() const {
  const EpochGuard guard;
  std::vector<LeafShape> leaves;
  std::string lower;
  while (true) {
    const LeafState& state = *map().FindState(lower);
    LeafShape shape;
    shape.lower = std::string(state.fences().lower);
    shape.frozen = state.block()->count();
    shape.older = state.block()->older_count();
    for (const OlderRun* run = state.older_runs; run != nullptr; run = run->next()) ++shape.runs;
    shape.older_in_runs = OlderRun::VersionsFrom(state.older_runs);
    shape.older += shape.older_in_runs;
    if (const auto* delta = state.delta.load()) shape.fresh = delta->count();
    if (state.has_upper) shape.upper = std::string(*state.fences().upper);
    leaves.push_back(shape);
    if (!shape.upper) return leaves;
    lower = *shape.upper;
  }
}

size_t TestMap::VersionCount() const {
  const EpochGuard guard;
  size_t versions = 0;
  for (const LeafShape& leaf : Leaves()) {
    versions += leaf.frozen + leaf.older;
    const auto* delta = map().FindState(leaf.lower)->delta.load();
    for (uint32_t i = 0; i < leaf.fresh; ++i) {
      for (const auto* version = delta->slot(i).chain.Head(); version != nullptr;
           version = VersionChain::Older(version)) {
        ++versions;
      }
    }
  }
  return versions;
}

namespace {

void CheckNode(const TuningOptions& tuning, const InnerNode* node, std::string_view lower,
               std::optional<std::string_view> upper) {
  ASSERT_GE(node->child_count(), 1u);
  ASSERT_LE(node->child_count(), tuning.inner_fanout);
  for (uint32_t i = 0; i < node->child_count(); ++i) {
    const std::string_view from = i == 0 ? lower : node->separator(i);
    const bool last = i + 1 == node->child_count();
    const auto to = last ? upper : std::optional(node->separator(i + 1));
    ASSERT_TRUE(i == 0 || lower < from);
    ASSERT_TRUE(!to || from < *to);
    if (node->level() > 1) {
      const auto* child = static_cast<const InnerNode*>(node->child(i));
      ASSERT_EQ(child->level() + 1, node->level());
      CheckNode(tuning, child, from, to);
      continue;
    }
    const LeafState& state = *static_cast<const Leaf*>(node->child(i))->state.Load();
    ASSERT_EQ(state.fences().lower, from);
    ASSERT_TRUE(state.fences().upper == to);
    const FrozenBlock& block = *state.block();
    for (uint32_t k = 0; k < block.count(); ++k) {
      ASSERT_TRUE(state.Covers(block.key(k)));
      ASSERT_TRUE(k == 0 || block.key(k - 1) < block.key(k));
    }
    if (const auto* delta = state.delta.load()) {
      for (uint32_t k = 0; k < delta->count(); ++k) ASSERT_TRUE(state.Covers(delta->slot(k).key()));
    }
  }
}

}  // namespace

void TestMap::CheckStructure() const {
  const EpochGuard guard;
  CheckNode(map().tuning(), map().root(), "", std::nullopt);
}

void TestMap::CheckHints() const {
  const EpochGuard guard;
  for (const LeafShape& shape : Leaves()) {
    const auto [leaf, likely_state] = map().FindPlace(shape.lower);
    ASSERT_EQ(likely_state, internal::MemoryHint(leaf->state.Load()->memory())) << shape.lower;
  }
}

std::string TestMap::ChainOf(std::string_view key) const {
  const EpochGuard guard;
  const LeafState& state = *map().FindState(key);
  std::string text;
  const auto add = [&text](const VersionView& version) {
    if (!text.empty()) text += ' ';
    text += ToString(version);
  };
  if (const auto* delta = state.delta.load()) {
    if (const auto* slot = delta->Find(key)) {
      for (const auto* version = slot->chain.Head(); version != nullptr;
           version = VersionChain::Older(version)) {
        add(ViewOf(*version));
      }
    }
  }
  const FrozenBlock& block = *state.block();
  if (block.count() == 0) return text;
  const auto at = block.Find(key);
  if (!at.exact) return text;
  add(block.newest(at.index));
  ForEachOlder(state, at.index, add);
  return text;
}

}  // namespace firn::test
