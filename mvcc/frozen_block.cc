#include "mvcc/frozen_block.h"

#include <algorithm>
#include <limits>
#include <new>

namespace firn::internal {
namespace {

constexpr size_t AlignUp(size_t bytes, size_t alignment) {
  return (bytes + alignment - 1) & ~(alignment - 1);
}

// Where the columns of a planned block stand.
struct Columns {
  explicit Columns(const FrozenBlock::Plan& plan) {
    const size_t records = size_t{plan.count} + plan.older_count;
    offsets = sizeof(FrozenBlock) + 4 * size_t{plan.count};
    times = AlignUp(offsets + plan.offset_width * (records + 1), 4);
    key_sizes = times + plan.ts_width * records;
    kinds = key_sizes + plan.key_size_width * size_t{plan.count};
    older_ends = AlignUp(kinds + (plan.has_kinds ? records : 0), 4);
    bytes = older_ends + plan.older_end_width * size_t{plan.count};
    end = bytes + plan.record_bytes;
  }
  size_t offsets, times, key_sizes, kinds, older_ends, bytes, end;
};

// Copies one of the short pieces that most records are made of: without a call, and without branches
// that go wrong where many are of one size. A freeze spent a seventh of its time in memmove.
inline void CopyPiece(char* out, const char* in, size_t size) {
  if (size > 256) {
    std::memcpy(out, in, size);
  } else if (size >= 16) {
    for (size_t at = 0; at + 16 <= size; at += 16) std::memcpy(out + at, in + at, 16);
    std::memcpy(out + size - 16, in + size - 16, 16);
  } else if (size >= 8) {
    std::memcpy(out, in, 8);
    std::memcpy(out + size - 8, in + size - 8, 8);
  } else {
    for (size_t at = 0; at < size; ++at) out[at] = in[at];
  }
}

// Returns the bytes it wrote. Counts a reference on a large value.
inline size_t CopyVersion(char* out, const VersionView& version) {
  if (version.kind == ValueKind::kLarge) {
    LargeValue* large = version.large();
    large->AddRef();
    std::memcpy(out, &large, sizeof(large));
    return sizeof(large);
  }
  CopyPiece(out, version.data, version.size);
  return version.size;
}

}  // namespace

FrozenBlock::Plan FrozenBlock::MakePlan(std::span<const FrozenEntry> entries,
                                        std::span<const VersionView> older) {
  Plan plan;
  plan.count = static_cast<uint32_t>(entries.size());
  uint64_t min_ts = std::numeric_limits<uint64_t>::max();
  size_t min_key = std::numeric_limits<size_t>::max();
  size_t max_key = 0;
  size_t min_record = std::numeric_limits<size_t>::max();
  size_t max_record = 0;
  const auto add_record = [&](size_t bytes) {
    plan.record_bytes += bytes;
    min_record = std::min(min_record, bytes);
    max_record = std::max(max_record, bytes);
  };
  const auto add_version = [&](const VersionView& version) {
    min_ts = std::min(min_ts, version.commit_ts);
    plan.max_ts = std::max(plan.max_ts, version.commit_ts);
    if (version.kind == ValueKind::kValue) return;
    plan.has_kinds = true;
    plan.has_large |= version.kind == ValueKind::kLarge;
  };
  for (const FrozenEntry& entry : entries) {
    add_record(entry.key.size() + entry.newest.stored_size());
    min_key = std::min(min_key, entry.key.size());
    max_key = std::max(max_key, entry.key.size());
    plan.has_tombstones |= entry.newest.kind == ValueKind::kTombstone;
    add_version(entry.newest);
    plan.older_count += entry.older_count;
    for (const VersionView& version : older.subspan(entry.older_begin, entry.older_count)) {
      add_record(version.stored_size());
      add_version(version);
    }
  }
  if (!entries.empty()) {
    plan.base_ts = min_ts;
    plan.prefix_size = CommonPrefixSize(entries.front().key, entries.back().key);
    const uint64_t spread = plan.max_ts - min_ts;
    plan.ts_width = spread == 0 ? 0 : spread <= std::numeric_limits<uint32_t>::max() ? 4 : 8;
    plan.key_size_width = min_key == max_key ? 0 : max_key <= 255 ? 1 : 2;
    plan.older_end_width = plan.older_count == 0                                      ? 0
                           : plan.older_count <= std::numeric_limits<uint16_t>::max() ? 2
                                                                                      : 4;
    plan.uniform_key_size = max_key;
    plan.uniform_record_size = max_record;
    plan.offset_width = min_record == max_record                                    ? 0
                        : plan.record_bytes <= std::numeric_limits<uint16_t>::max() ? 2
                                                                                    : 4;
  }
  plan.total_bytes = Columns(plan).end;
  return plan;
}

FrozenBlock* FrozenBlock::Build(void* memory, const Plan& plan,
                                std::span<const FrozenEntry> entries,
                                std::span<const VersionView> older) {
  auto* block = new (memory) FrozenBlock;
  const Columns columns(plan);
  block->count_ = plan.count;
  block->older_count_ = plan.older_count;
  block->offset_width_ = plan.offset_width;
  block->older_end_width_ = plan.older_end_width;
  block->offsets_ =
      static_cast<uint32_t>(plan.offset_width == 0 ? plan.uniform_record_size : columns.offsets);
  block->ts_at_ = static_cast<uint32_t>(columns.times);
  block->key_sizes_at_ = static_cast<uint32_t>(columns.key_sizes);
  block->kinds_at_ = static_cast<uint32_t>(columns.kinds);
  block->older_ends_at_ = static_cast<uint32_t>(columns.older_ends);
  block->records_at_ = static_cast<uint32_t>(columns.bytes);
  block->base_ts_ = plan.base_ts;
  block->max_commit_ts_ = plan.max_ts;
  block->prefix_size_ = static_cast<uint16_t>(plan.prefix_size);
  block->prefix_head_ =
      plan.count == 0 ? 0 : CommonPrefix::HeadFor(entries.front().key.substr(0, plan.prefix_size));
  block->uniform_key_size_ = static_cast<uint16_t>(plan.uniform_key_size);
  block->ts_width_ = plan.ts_width;
  block->key_size_width_ = plan.key_size_width;
  block->has_kinds_ = plan.has_kinds;
  block->has_tombstones_ = plan.has_tombstones;
  block->has_large_ = plan.has_large;

  char* const records = block->at(columns.bytes);
  size_t offset = 0;
  for (uint32_t i = 0; i < plan.count; ++i) {
    const std::string_view key = entries[i].key;
    block->Store<uint32_t>(
        sizeof(FrozenBlock) + 4 * size_t{i},
        HeadOf<uint32_t>(key.data() + plan.prefix_size, key.size() - plan.prefix_size));
    block->StoreAt(columns.key_sizes, plan.key_size_width, i, key.size());
    block->WriteColumns(i, offset, entries[i].newest);
    CopyPiece(records + offset, key.data(), key.size());
    offset += key.size();
    offset += CopyVersion(records + offset, entries[i].newest);
  }
  uint32_t record = plan.count;
  for (uint32_t i = 0; i < plan.count && plan.older_count != 0; ++i) {
    const FrozenEntry& entry = entries[i];
    for (const VersionView& version : older.subspan(entry.older_begin, entry.older_count)) {
      block->WriteColumns(record++, offset, version);
      offset += CopyVersion(records + offset, version);
    }
    block->StoreAt(columns.older_ends, plan.older_end_width, i, record - plan.count);
  }
  block->StoreAt(columns.offsets, plan.offset_width, record, offset);
  FIRN_INVARIANT(offset == plan.record_bytes);
  return block;
}

inline void FrozenBlock::WriteColumns(uint32_t record, size_t offset, const VersionView& version) {
  StoreAt(offsets_, offset_width_, record, offset);
  StoreAt(ts_at_, ts_width_, record, version.commit_ts - base_ts_);
  if (has_kinds_) Store<uint8_t>(kinds_at_ + record, static_cast<uint8_t>(version.kind));
}

inline void FrozenBlock::StoreAt(size_t column, uint8_t width, uint32_t i, uint64_t value) {
  switch (width) {
    case 0:
      return;
    case 1:
      return Store(column + i, static_cast<uint8_t>(value));
    case 2:
      return Store(column + 2 * size_t{i}, static_cast<uint16_t>(value));
    case 4:
      return Store(column + 4 * size_t{i}, static_cast<uint32_t>(value));
    default:
      return Store(column + 8 * size_t{i}, value);
  }
}

}  // namespace firn::internal
