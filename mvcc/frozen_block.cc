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

// What the figures in a plan need.
uint8_t TimeWidth(const FrozenBlock::Plan& plan) {
  const uint64_t spread = plan.max_ts - plan.base_ts;
  return spread == 0 ? 0 : spread <= std::numeric_limits<uint32_t>::max() ? 4 : 8;
}
uint8_t OffsetWidth(const FrozenBlock::Plan& plan) {
  return plan.record_bytes <= std::numeric_limits<uint16_t>::max() ? 2 : 4;
}
uint8_t OlderEndWidth(const FrozenBlock::Plan& plan) {
  if (plan.older_count == 0) return 0;
  return plan.older_count <= std::numeric_limits<uint16_t>::max() ? 2 : 4;
}

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
    plan.prefix_head = CommonPrefix::HeadFor(entries.front().key.substr(0, plan.prefix_size));
    plan.ts_width = TimeWidth(plan);
    plan.key_size_width = min_key == max_key ? 0 : max_key <= 255 ? 1 : 2;
    plan.older_end_width = OlderEndWidth(plan);
    plan.uniform_key_size = max_key;
    plan.uniform_record_size = max_record;
    plan.offset_width = min_record == max_record ? 0 : OffsetWidth(plan);
  }
  plan.total_bytes = Columns(plan).end;
  return plan;
}

FrozenBlock::Plan FrozenBlock::MakePlan(const BlockPatch& patch) {
  const FrozenBlock& source = patch.source;
  Plan plan;
  plan.count = source.count_;
  plan.base_ts = source.base_ts_;
  plan.max_ts = source.max_commit_ts_;
  plan.prefix_size = source.prefix_size_;
  plan.prefix_head = source.prefix_head_;
  plan.key_size_width = source.key_size_width_;
  plan.uniform_key_size = source.uniform_key_size_;
  plan.record_bytes = source.main_bytes();
  for (const FrozenEntry& entry : patch.entries) {
    plan.max_ts = std::max(plan.max_ts, entry.newest.commit_ts);
    plan.older_count += entry.older_count;
  }
  for (const VersionView& version : patch.older) plan.record_bytes += version.size;
  plan.ts_width = TimeWidth(plan);
  plan.older_end_width = OlderEndWidth(plan);
  const bool is_uniform = source.offset_width_ == 0 && plan.older_count == 0;
  plan.uniform_record_size = is_uniform ? source.offsets_ : 0;
  plan.offset_width = is_uniform ? 0 : OffsetWidth(plan);
  plan.total_bytes = Columns(plan).end;
  return plan;
}

FrozenBlock* FrozenBlock::WriteHeader(void* memory, const Plan& plan) {
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
  block->prefix_head_ = plan.prefix_head;
  block->uniform_key_size_ = static_cast<uint16_t>(plan.uniform_key_size);
  block->ts_width_ = plan.ts_width;
  block->key_size_width_ = plan.key_size_width;
  block->has_kinds_ = plan.has_kinds;
  block->has_tombstones_ = plan.has_tombstones;
  block->has_large_ = plan.has_large;
  return block;
}

FrozenBlock* FrozenBlock::Build(void* memory, const Plan& plan,
                                std::span<const FrozenEntry> entries,
                                std::span<const VersionView> older) {
  FrozenBlock* block = WriteHeader(memory, plan);
  char* const records = block->at(block->records_at_);
  size_t offset = 0;
  for (uint32_t i = 0; i < plan.count; ++i) {
    const std::string_view key = entries[i].key;
    block->Store<uint32_t>(
        sizeof(FrozenBlock) + 4 * size_t{i},
        HeadOf<uint32_t>(key.data() + plan.prefix_size, key.size() - plan.prefix_size));
    block->StoreAt(block->key_sizes_at_, plan.key_size_width, i, key.size());
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
    block->StoreAt(block->older_ends_at_, plan.older_end_width, i, record - plan.count);
  }
  block->StoreAt(block->offsets_, plan.offset_width, record, offset);
  FIRN_INVARIANT(offset == plan.record_bytes);
  return block;
}

FrozenBlock* FrozenBlock::Build(void* memory, const Plan& plan, const BlockPatch& patch) {
  const FrozenBlock& source = patch.source;
  FrozenBlock* block = WriteHeader(memory, plan);
  block->CopyColumns(source);
  char* const records = block->at(block->records_at_);
  std::memcpy(records, source.records(), source.main_bytes());
  uint32_t record = plan.count;
  size_t offset = source.main_bytes();
  uint32_t next = 0;  // The key whose end of older versions is written next.
  const auto write_older_ends = [&](uint32_t end) {
    if (plan.older_count == 0) return;
    for (; next < end; ++next) {
      block->StoreAt(block->older_ends_at_, plan.older_end_width, next, record - plan.count);
    }
  };
  for (size_t j = 0; j < patch.places.size(); ++j) {
    const uint32_t i = patch.places[j];
    const FrozenEntry& entry = patch.entries[j];
    FIRN_INVARIANT(entry.newest.size == source.newest(i).size);
    block->WriteColumns(i, source.Offset(i), entry.newest);
    CopyVersion(records + source.Offset(i) + source.KeySize(i), entry.newest);
    write_older_ends(i);
    for (const VersionView& version : patch.older.subspan(entry.older_begin, entry.older_count)) {
      block->WriteColumns(record++, offset, version);
      offset += CopyVersion(records + offset, version);
    }
  }
  write_older_ends(plan.count);
  block->StoreAt(block->offsets_, plan.offset_width, record, offset);
  FIRN_INVARIANT(offset == plan.record_bytes);
  return block;
}

void FrozenBlock::CopyColumns(const FrozenBlock& source) {
  const auto copy = [&](size_t to, size_t from, size_t bytes) {
    std::memcpy(at(to), source.at(from), bytes);
  };
  const size_t count = count_;
  copy(sizeof(FrozenBlock), sizeof(FrozenBlock), 4 * count);
  copy(key_sizes_at_, source.key_sizes_at_, key_size_width_ * count);
  if (ts_width_ == source.ts_width_) {
    copy(ts_at_, source.ts_at_, ts_width_ * count);
  } else {
    for (uint32_t i = 0; i < count; ++i)
      StoreAt(ts_at_, ts_width_, i, source.commit_ts(i) - base_ts_);
  }
  if (offset_width_ == source.offset_width_) {
    if (offset_width_ != 0) copy(offsets_, source.offsets_, offset_width_ * count);
  } else {
    for (uint32_t i = 0; i < count; ++i) StoreAt(offsets_, offset_width_, i, source.Offset(i));
  }
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
