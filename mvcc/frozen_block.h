// A FrozenBlock is the packed immutable run of one leaf's keys.
#ifndef FIRN_MVCC_FROZEN_BLOCK_H_
#define FIRN_MVCC_FROZEN_BLOCK_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "mvcc/check.h"
#include "mvcc/key_index.h"
#include "mvcc/large_value.h"
#include "mvcc/prefetch.h"
#include "mvcc/version.h"

namespace firn::internal {

// One version of a key, wherever it stands.
struct VersionView {
  uint64_t commit_ts = 0;
  ValueKind kind = ValueKind::kTombstone;
  uint32_t size = 0;           // kValue: bytes at `data`.
  const char* data = nullptr;  // kValue: the bytes. kLarge: the LargeValue.

  LargeValue* large() const { return reinterpret_cast<LargeValue*>(const_cast<char*>(data)); }
  // The value's bytes; empty for a tombstone.
  std::string_view bytes() const {
    return kind == ValueKind::kLarge ? large()->view() : std::string_view(data, size);
  }
  // Of a kLarge whose `data` still is where the pointer to its LargeValue stands: follows that.
  void FollowPointer() {
    LargeValue* value;
    std::memcpy(&value, data, sizeof(value));
    data = reinterpret_cast<const char*>(value);
    size = 0;
  }
  // Bytes that the version takes inside a block.
  size_t stored_size() const { return kind == ValueKind::kLarge ? sizeof(LargeValue*) : size; }
};

// One key with everything kept of it, as a freeze hands it to a block.
struct FrozenEntry {
  std::string_view key;
  VersionView newest;
  uint32_t older_begin = 0;  // Its older versions, newest first, in the freeze's own list.
  uint32_t older_count = 0;
};

class FrozenBlock;

// New versions of some keys of a block, as a freeze hands them to the block that comes after it: all
// else stays as it is. None of it is anything but a plain value.
struct BlockPatch {
  const FrozenBlock& source;
  // Where the keys stand in it, in order; among them each that has older versions there.
  std::span<const uint32_t> places;
  // What is kept of each; the newest version is as large as the one before.
  std::span<const FrozenEntry> entries;
  std::span<const VersionView> older;  // Of these entries.
};

// FrozenBlock: one contiguous allocation, written once, read by anybody.
//
//   header | heads u32[n] | offsets u0|16|32[n+o+1] | commit times u0|32|64[n+o]
//          | key sizes u0|8|16[n] | kinds u8[n+o]? | older ends u0|16|32[n] | records
//
// n keys in order (the main run: the newest version of each, so that a scan of the
// present runs straight through), then o older versions that live snapshots need, by
// key, newest first; each key's end where the next one's begin. A main record is the key's bytes
// and its value's; an older one is a value's. Commit times are stored above the block's smallest,
// offsets only if records differ in size, key sizes only if they differ, kinds only if something is
// not a plain value.
//
// Thread-safety: immutable once built.
// Lifetime: lies inside its LeafState, which frees it.
class FrozenBlock {
 public:
  // Sizes and widths of a block to be built.
  struct Plan {
    size_t total_bytes = 0;
    size_t record_bytes = 0;
    uint32_t count = 0;
    uint32_t older_count = 0;
    uint64_t base_ts = 0;
    uint64_t max_ts = 0;
    size_t prefix_size = 0;
    uint32_t prefix_head = 0;
    size_t uniform_key_size = 0;
    size_t uniform_record_size = 0;  // If offset_width is 0.
    uint8_t offset_width = 0;
    uint8_t ts_width = 0;
    uint8_t key_size_width = 0;
    uint8_t older_end_width = 0;
    bool has_kinds = false;
    bool has_tombstones = false;
    bool has_large = false;
    uint64_t large_bytes = 0;
  };
  // Lines that a key and a value of a hundred bytes take at most.
  static constexpr size_t kRecordLines = 3;

  static Plan MakePlan(std::span<const FrozenEntry> entries, std::span<const VersionView> older);

  // Writes the block into `memory` (plan.total_bytes, 8-byte aligned). Counts a
  // reference on each large value. Cannot fail.
  static FrozenBlock* Build(void* memory, const Plan& plan, std::span<const FrozenEntry> entries,
                            std::span<const VersionView> older);

  // The same for a block after another one, of which most is copied as it stands, column by column: a
  // fraction of the work. Its times and offsets may be wider than need be.
  static Plan MakePlan(const BlockPatch& patch);
  static FrozenBlock* Build(void* memory, const Plan& plan, const BlockPatch& patch);

  uint32_t count() const { return count_; }
  uint32_t older_count() const { return older_count_; }
  uint64_t max_commit_ts() const { return max_commit_ts_; }
  // None here is older.
  uint64_t min_commit_ts() const { return base_ts_; }
  bool has_tombstones() const { return has_tombstones_; }
  bool has_older() const { return older_count_ != 0; }
  bool has_large() const { return has_large_; }
  // All versions are plain values.
  bool has_values_only() const { return !has_kinds_; }
  // A reader at `read_ts` may take every entry of the main run as it is.
  bool PlainAt(uint64_t read_ts) const { return max_commit_ts_ <= read_ts && !has_tombstones_; }
  size_t record_bytes() const { return Offset(count_ + older_count_); }
  // Of the main run alone.
  size_t main_bytes() const { return Offset(count_); }

  std::string_view key(uint32_t i) const { return {records() + Offset(i), KeySize(i)}; }
  // The newest version of key i.
  VersionView newest(uint32_t i) const {
    const uint32_t begin = Offset(i) + KeySize(i);
    return MakeView(i, begin, Offset(i + 1));
  }
  // Calls visit(i, key, key_size, value_size) for keys [first, end), whose newest versions must be
  // plain inline values: each stands right behind its key.
  template <class Visit>
  void ForEachPlain(uint32_t first, uint32_t end, const Visit& visit) const {
    // The common cases without a branch for each entry.
    const auto key_size = [uniform = uint32_t{uniform_key_size_}](uint32_t) { return uniform; };
    if (key_size_width_ != 0 || offset_width_ == 4) {
      ForEachPlain(
          first, end, visit, [this](uint32_t i) { return Offset(i); },
          [this](uint32_t i) { return KeySize(i); });
    } else if (offset_width_ == 0) {
      ForEachPlain(
          first, end, visit, [size = offsets_](uint32_t i) { return size * i; }, key_size);
    } else {
      ForEachPlain(
          first, end, visit,
          [offsets = at(offsets_)](uint32_t i) {
            uint16_t offset;
            std::memcpy(&offset, offsets + 2 * size_t{i}, sizeof(offset));
            return uint32_t{offset};
          },
          key_size);
    }
  }
  ValueKind kind(uint32_t record) const {
    return has_kinds_ ? static_cast<ValueKind>(kinds()[record]) : ValueKind::kValue;
  }
  uint64_t commit_ts(uint32_t record) const {
    switch (ts_width_) {
      case 0:
        return base_ts_;
      case 4:
        return base_ts_ + Load<uint32_t>(ts_at_ + 4 * record);
      default:
        return base_ts_ + Load<uint64_t>(ts_at_ + 8 * record);
    }
  }

  // Older version j in [0, older_count()).
  VersionView older(uint32_t j) const {
    const uint32_t record = count_ + j;
    return MakeView(record, Offset(record), Offset(record + 1));
  }
  uint64_t older_commit_ts(uint32_t j) const { return commit_ts(count_ + j); }
  // The older versions of key i: [begin, end), newest first.
  struct OlderRange {
    uint32_t begin;
    uint32_t end;
    bool is_empty() const { return begin == end; }
  };
  OlderRange OlderOf(uint32_t i) const {
    if (older_count_ == 0) return {0, 0};
    return {i == 0 ? 0 : OlderEnd(i - 1), OlderEnd(i)};
  }

  // Fetches, ahead of a look at that version of key i that stands `from_end` before the end of its
  // older ones: first what says where it is, then its record. Any i.
  void PrefetchOlderIndex(uint32_t i, uint32_t from_end) const {
    if (i >= count_ || older_count_ == 0) return;
    const uint32_t record = count_ + OlderEnd(i) - from_end;
    if (record > count_ + older_count_) return;  // It has not so many.
    PrefetchLine(at(ts_at_ + ts_width_ * record));
    if (offset_width_ != 0) PrefetchLine(at(offsets_ + offset_width_ * record));
  }
  void PrefetchOlder(uint32_t i, uint32_t from_end) const {
    if (i >= count_ || older_count_ == 0) return;
    const uint32_t record = count_ + OlderEnd(i) - from_end;
    if (record > count_ + older_count_) return;  // It has not so many.
    PrefetchLines(records() + Offset(record), 2);
  }

  // The position of the first key >= target. What stands there is read next: so many lines of the
  // run from there on are fetched before its key is looked at, which waits for the first of them.
  template <HeadsIn kWhere = HeadsIn::kMemory>
  KeyPosition Find(std::string_view target, size_t fetch_lines = kRecordLines) const {
    return KeyRun{heads(), count_, prefix(),
                  [this, fetch_lines](uint32_t i) {
                    const char* record = records() + Offset(i);
                    PrefetchLines(record + kLineBytes, fetch_lines - 1);
                    return key(i);
                  }}
        .template Find<kWhere>(target);
  }
  // Fetches the record where `target` may be, ahead of Find(). Requires: count() != 0.
  void PrefetchRecord(std::string_view target) const {
    if (ComparePrefix(target, prefix()) != 0) return;
    const uint32_t head =
        HeadOf<uint32_t>(target.data() + prefix_size_, target.size() - prefix_size_);
    PrefetchLines(records() + Offset(LowerBoundOfHead(heads(), count_, head)), kRecordLines);
  }

  // The records of keys [first, last): an address to prefetch.
  std::string_view RecordsOf(uint32_t first, uint32_t last) const {
    return {records() + Offset(first), Offset(last) - Offset(first)};
  }

  // Calls visit(LargeValue*) for each large value, as often as it is counted here.
  template <class Visit>
  void ForEachLarge(const Visit& visit) const {
    if (!has_large_) return;
    for (uint32_t record = 0; record < count_ + older_count_; ++record) {
      if (kind(record) != ValueKind::kLarge) continue;
      visit((record < count_ ? newest(record) : older(record - count_)).large());
    }
  }

 private:
  FrozenBlock() = default;

  template <class Visit, class OffsetAt, class KeySizeAt>
  void ForEachPlain(uint32_t first, uint32_t end, const Visit& visit, const OffsetAt& offset_at,
                    const KeySizeAt& key_size_at) const {
    const char* bytes = records();
    uint32_t record_at = offset_at(first);
    for (uint32_t i = first; i < end; ++i) {
      const uint32_t record_end = offset_at(i + 1);
      const uint32_t key_size = key_size_at(i);
      visit(i, bytes + record_at, key_size, record_end - record_at - key_size);
      record_at = record_end;
    }
  }

  const char* at(size_t offset) const { return reinterpret_cast<const char*>(this) + offset; }
  char* at(size_t offset) { return reinterpret_cast<char*>(this) + offset; }
  template <class T>
  T Load(size_t offset) const {
    T value;
    std::memcpy(&value, at(offset), sizeof(T));
    return value;
  }
  template <class T>
  void Store(size_t offset, T value) {
    std::memcpy(at(offset), &value, sizeof(T));
  }

  const uint32_t* heads() const { return reinterpret_cast<const uint32_t*>(at(sizeof(*this))); }
  // Of all keys; the first one begins with it.
  CommonPrefix prefix() const { return {records(), prefix_size_, prefix_head_}; }
  const char* records() const { return at(records_at_); }
  const uint8_t* kinds() const { return reinterpret_cast<const uint8_t*>(at(kinds_at_)); }
  uint32_t Offset(uint32_t record) const {
    switch (offset_width_) {
      case 0:
        return offsets_ * record;
      case 2:
        return Load<uint16_t>(offsets_ + 2 * record);
      default:
        return Load<uint32_t>(offsets_ + 4 * record);
    }
  }
  uint32_t KeySize(uint32_t i) const {
    switch (key_size_width_) {
      case 0:
        return uniform_key_size_;
      case 1:
        return Load<uint8_t>(key_sizes_at_ + i);
      default:
        return Load<uint16_t>(key_sizes_at_ + 2 * i);
    }
  }
  uint32_t OlderEnd(uint32_t i) const {
    return older_end_width_ == 2 ? Load<uint16_t>(older_ends_at_ + 2 * i)
                                 : Load<uint32_t>(older_ends_at_ + 4 * i);
  }
  VersionView MakeView(uint32_t record, uint32_t begin, uint32_t end) const {
    VersionView view;
    view.commit_ts = commit_ts(record);
    view.kind = kind(record);
    view.data = records() + begin;
    view.size = end - begin;
    if (view.kind == ValueKind::kLarge) view.FollowPointer();
    return view;
  }

  // An empty block of that shape, but for its columns and records.
  static FrozenBlock* WriteHeader(void* memory, const Plan& plan);
  // Copies the columns of the main run.
  void CopyColumns(const FrozenBlock& source);
  // Value i of a column of so many bytes each.
  void StoreAt(size_t column, uint8_t width, uint32_t i, uint64_t value);
  // All that there is of a record but its bytes, and what keys have.
  void WriteColumns(uint32_t record, size_t offset, const VersionView& version);

  // One cache line of header: what a search needs first.
  uint32_t count_;
  uint32_t older_count_;
  uint32_t offsets_;  // Where they stand; if offset_width_ is 0, the size of every record.
  uint32_t ts_at_;
  uint32_t key_sizes_at_;
  uint32_t kinds_at_;
  uint32_t older_ends_at_;
  uint32_t records_at_;
  uint64_t base_ts_;
  uint64_t max_commit_ts_;
  uint32_t prefix_head_;
  uint16_t prefix_size_;
  uint16_t uniform_key_size_;
  uint8_t ts_width_;
  uint8_t key_size_width_;
  uint8_t offset_width_;
  uint8_t older_end_width_;
  bool has_kinds_;
  bool has_tombstones_;
  bool has_large_;
};
static_assert(sizeof(FrozenBlock) <= 64);

}  // namespace firn::internal

#endif  // FIRN_MVCC_FROZEN_BLOCK_H_
