#include "tests/support/leaf_builder.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "mvcc/check.h"

namespace firn::test {

using internal::Fences;
using internal::FreshDelta;
using internal::FreshSlot;
using internal::FrozenEntry;
using internal::LargeValue;
using internal::LeafState;
using internal::ValueKind;
using internal::Version;
using internal::VersionView;

std::vector<ChainVersion> ParseChain(std::string_view text) {
  std::vector<ChainVersion> chain;
  while (!text.empty()) {
    const size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    const size_t colon = word.find(':');
    FIRN_CHECK(colon != word.npos);
    ChainVersion version{0, std::string(word.substr(colon + 1))};
    std::from_chars(word.data(), word.data() + colon, version.commit_ts);
    if (version.value == "-") version.value.reset();
    chain.push_back(std::move(version));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return chain;
}

std::string ToString(const std::vector<ChainVersion>& chain) {
  std::string text;
  for (const ChainVersion& version : chain) {
    if (!text.empty()) text += ' ';
    text += std::to_string(version.commit_ts) + ":" + version.value.value_or("-");
  }
  return text;
}

std::string ToString(const VersionView& version) {
  const bool tombstone = version.kind == ValueKind::kTombstone;
  return std::to_string(version.commit_ts) + ":" +
         (tombstone ? std::string("-") : std::string(version.bytes()));
}

LeafBuilder::~LeafBuilder() {
  for (LargeValue* large : owned_) {
    if (large->DropRef()) LargeValue::Destroy(large);
  }
}

LeafBuilder& LeafBuilder::Frozen(std::string_view key, std::string_view chain) {
  return Frozen(key, ParseChain(chain));
}
LeafBuilder& LeafBuilder::Frozen(std::string_view key, std::vector<ChainVersion> chain) {
  if (!chain.empty()) frozen_[std::string(key)] = std::move(chain);
  return *this;
}
LeafBuilder& LeafBuilder::Fresh(std::string_view key, std::string_view chain) {
  return Fresh(key, ParseChain(chain));
}
LeafBuilder& LeafBuilder::Fresh(std::string_view key, std::vector<ChainVersion> chain) {
  if (!chain.empty()) fresh_.emplace_back(key, std::move(chain));
  return *this;
}

VersionView LeafBuilder::View(const ChainVersion& version) {
  VersionView view;
  view.commit_ts = version.commit_ts;
  if (!version.value) return view;
  if (version.value->size() >= large_bytes_) {
    owned_.push_back(LargeValue::Create(*version.value, &large_values_));
    view.kind = ValueKind::kLarge;
    view.data = reinterpret_cast<const char*>(owned_.back());
    return view;
  }
  values_.push_back(*version.value);
  view.kind = ValueKind::kValue;
  view.data = values_.back().data();
  view.size = static_cast<uint32_t>(values_.back().size());
  return view;
}

LeafState* LeafBuilder::Build(const Fences& fences) {
  std::vector<FrozenEntry> entries;
  std::vector<VersionView> older;
  for (const auto& [key, chain] : frozen_) {
    FrozenEntry entry;
    entry.key = key;
    entry.newest = View(chain.front());
    entry.older_begin = static_cast<uint32_t>(older.size());
    entry.older_count = static_cast<uint32_t>(chain.size() - 1);
    for (size_t i = 1; i < chain.size(); ++i) older.push_back(View(chain[i]));
    entries.push_back(entry);
  }
  LeafState* state = LeafState::Create(allocator_, fences, entries, older);
  if (!fresh_.empty()) {
    FreshDelta* delta = FreshDelta::Create(allocator_, static_cast<uint32_t>(fresh_.size()));
    delta->ReserveSlots(allocator_, static_cast<uint32_t>(fresh_.size()));
    for (const auto& [key, chain] : fresh_) {
      for (auto version = chain.rbegin(); version != chain.rend(); ++version) {
        Version* added = delta->NewVersion(allocator_, View(*version));
        added->commit_ts = version->commit_ts;
        if (FreshSlot* slot = delta->FindForWrite(key)) {
          slot->chain.Push(added);
          ++slot->chain_length;
        } else {
          delta->AppendSlot(delta->CopyKey(allocator_, key), added);
        }
      }
    }
    state->delta.store(delta, std::memory_order_release);
  }
  frozen_.clear();
  fresh_.clear();
  return state;
}

void LeafBuilder::Destroy(LeafState* state) {
  state->Destroy(allocator_, [](LargeValue* large) {
    if (large->DropRef()) LargeValue::Destroy(large);
  });
}

}  // namespace firn::test
