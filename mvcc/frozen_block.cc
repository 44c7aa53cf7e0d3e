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

  uint32_t offset = 0;
  for (uint32_t i = 0; i < plan.count; ++i) {
    const std::string_view key = entries[i].key;
    block->Store<uint32_t>(
        sizeof(FrozenBlock) + 4 * size_t{i},
        HeadOf<uint32_t>(key.data() + plan.prefix_size, key.size() - plan.prefix_size));
    if (plan.key_size_width == 1) {
      block->Store<uint8_t>(columns.key_sizes + i, static_cast<uint8_t>(key.size()));
    } else if (plan.key_size_width == 2) {
      block->Store<uint16_t>(columns.key_sizes + 2 * size_t{i}, static_cast<uint16_t>(key.size()));
    }
    block->SetOffset(i, offset);
    key.copy(block->at(columns.bytes + offset), key.size());
    offset += static_cast<uint32_t>(key.size());
    block->WriteVersion(i, &offset, entries[i].newest);
  }
  uint32_t record = plan.count;
  for (uint32_t i = 0; i < plan.count && plan.older_count != 0; ++i) {
    for (uint32_t j = 0; j < entries[i].older_count; ++j, ++record) {
      block->SetOffset(record, offset);
      block->WriteVersion(record, &offset, older[entries[i].older_begin + j]);
    }
    const uint32_t end = record - plan.count;
    if (plan.older_end_width == 2) {
      block->Store<uint16_t>(columns.older_ends + 2 * size_t{i}, static_cast<uint16_t>(end));
    } else {
      block->Store<uint32_t>(columns.older_ends + 4 * size_t{i}, end);
    }
  }
  block->SetOffset(record, offset);
  FIRN_INVARIANT(offset == plan.record_bytes);
  return block;
}

void FrozenBlock::SetOffset(uint32_t record, uint32_t offset) {
  if (offset_width_ == 4) {
    Store<uint32_t>(offsets_ + 4 * size_t{record}, offset);
  } else if (offset_width_ == 2) {
    Store<uint16_t>(offsets_ + 2 * size_t{record}, static_cast<uint16_t>(offset));
  }
}

void FrozenBlock::WriteVersion(uint32_t record, uint32_t* offset, const VersionView& version) {
  const uint64_t above_base = version.commit_ts - base_ts_;
  if (ts_width_ == 4) {
    Store<uint32_t>(ts_at_ + 4 * size_t{record}, static_cast<uint32_t>(above_base));
  } else if (ts_width_ == 8) {
    Store<uint64_t>(ts_at_ + 8 * size_t{record}, above_base);
  }
  if (has_kinds_) Store<uint8_t>(kinds_at_ + record, static_cast<uint8_t>(version.kind));
  char* out = at(records_at_ + *offset);
  if (version.kind == ValueKind::kLarge) {
    LargeValue* large = version.large();
    large->AddRef();
    std::memcpy(out, &large, sizeof(large));
  } else if (version.size != 0) {
    std::memcpy(out, version.data, version.size);
  }
  *offset += static_cast<uint32_t>(version.stored_size());
}

}  // namespace firn::internal
