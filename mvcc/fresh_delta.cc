#include "mvcc/fresh_delta.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <new>

#include "mvcc/check.h"
#include "mvcc/key_index.h"
#include "mvcc/schedule_point.h"

namespace firn::internal {
namespace {

constexpr size_t kChunkBytes = 1024;
// A chain this long is pruned before the next push.
constexpr uint16_t kLongChain = 4;
constexpr uint64_t kEveryByte = 0x0101010101010101;
constexpr uint64_t kHighBits = 0x8080808080808080;

constexpr size_t AlignUp(size_t bytes) { return (bytes + 7) & ~size_t{7}; }

}  // namespace

VersionView ViewOf(const Version& version) {
  VersionView view;
  view.commit_ts = version.commit_ts;
  view.kind = version.kind;
  view.data = version.data();
  view.size = version.value_size;
  if (view.kind == ValueKind::kLarge) view.FollowPointer();
  return view;
}

size_t FreshDelta::TableBytes(uint32_t capacity) {
  return WordCount(capacity) * (sizeof(std::atomic<uint64_t>) + sizeof(FreshSlot*));
}

FreshDelta* FreshDelta::Create(SpanAllocator& allocator, uint32_t capacity) {
  const size_t fixed = sizeof(Chunk) + sizeof(FreshDelta) + TableBytes(capacity);
  const SpanAllocator::Block block = allocator.Allocate(std::max(kFirstChunkBytes, fixed));
  auto* chunk = new (block.data) Chunk{nullptr, block.bytes};
  auto* delta = new (chunk + 1) FreshDelta(capacity);
  for (size_t i = 0; i < WordCount(capacity); ++i)
    new (delta->words() + i) std::atomic<uint64_t>(0);
  std::fill_n(delta->chunks(), WordCount(capacity), nullptr);
  delta->newest_chunk_ = chunk;
  delta->free_ = static_cast<char*>(block.data) + fixed;
  delta->free_end_ = static_cast<char*>(block.data) + block.bytes;
  return delta;
}

void FreshDelta::Destroy(SpanAllocator& allocator) {
  for (Chunk* chunk = newest_chunk_; chunk != nullptr;) {
    Chunk* next = chunk->next;  // The first chunk holds this very object.
    allocator.Free(chunk, chunk->bytes);
    chunk = next;
  }
}

uint8_t FreshDelta::Fingerprint(std::string_view key) {
  // Ends of the key, mixed: neighbours differ in the last bytes, fields in the first.
  uint64_t head = HeadOf<uint64_t>(key.data(), key.size());
  if (key.size() > 8) head += HeadOf<uint64_t>(key.data() + key.size() - 8, 8) * 31 + key.size();
  return static_cast<uint8_t>((head * 0x9E3779B97F4A7C15u) >> 56);
}

const FreshSlot* FreshDelta::Find(std::string_view key) const {
  const uint32_t published = count();
  const uint64_t wanted = Fingerprint(key) * kEveryByte;
  for (uint32_t first = 0; first < published; first += 8) {
    // relaxed: bytes of published slots were written before count_, the others are cut off.
    uint64_t difference = words()[first / 8].load(std::memory_order_relaxed) ^ wanted;
    // A zero byte is a match; a borrow can mark a byte above one wrongly, which the key tells.
    uint64_t matches = (difference - kEveryByte) & ~difference & kHighBits;
    for (; matches != 0; matches &= matches - 1) {
      const uint32_t i = first + static_cast<uint32_t>(std::countr_zero(matches)) / 8;
      if (i >= published) break;
      const FreshSlot& candidate = slot(i);
      if (candidate.key() == key) return &candidate;
    }
  }
  return nullptr;
}

bool FreshDelta::HasRoom(size_t slots, size_t bytes, size_t byte_limit) const {
  // relaxed: the latch orders this with the writer that stored it.
  return count_.load(std::memory_order_relaxed) + slots <= capacity_ &&
         used_bytes_ + bytes <= byte_limit;
}

void FreshDelta::ReserveSlots(SpanAllocator& allocator, uint32_t slots) {
  const size_t needed = WordCount(count_.load(std::memory_order_relaxed) + slots);
  FIRN_INVARIANT(needed <= WordCount(capacity_));
  while (ready_chunks_ < needed) {
    chunks()[ready_chunks_] =
        static_cast<FreshSlot*>(Allocate(allocator, kSlotsPerChunk * sizeof(FreshSlot)));
    ++ready_chunks_;
  }
}

void* FreshDelta::Allocate(SpanAllocator& allocator, size_t bytes) {
  bytes = AlignUp(bytes);
  used_bytes_ += static_cast<uint32_t>(bytes);
  if (static_cast<size_t>(free_end_ - free_) < bytes) {
    const SpanAllocator::Block block =
        allocator.Allocate(std::max(kChunkBytes, bytes + sizeof(Chunk)));
    newest_chunk_ = new (block.data) Chunk{newest_chunk_, block.bytes};
    // The older chunk's rest is given up, unless more is left there than here.
    free_ = static_cast<char*>(block.data) + sizeof(Chunk);
    free_end_ = static_cast<char*>(block.data) + block.bytes;
  }
  char* result = free_;
  free_ += bytes;
  return result;
}

std::string_view FreshDelta::CopyKey(SpanAllocator& allocator, std::string_view key) {
  auto* copy = static_cast<char*>(Allocate(allocator, key.size()));
  key.copy(copy, key.size());
  return {copy, key.size()};
}

Version* FreshDelta::NewVersion(SpanAllocator& allocator, const VersionView& value) {
  const bool large = value.kind == ValueKind::kLarge;
  LargeHolder* holder = nullptr;
  if (large) holder = static_cast<LargeHolder*>(Allocate(allocator, sizeof(LargeHolder)));
  void* memory = Allocate(allocator, sizeof(Version) + value.stored_size());
  auto* version = new (memory) Version(value.kind, static_cast<uint32_t>(value.stored_size()));
  if (large) {
    std::memcpy(version->mutable_data(), &value.data, sizeof(value.data));
    large_holders_ = new (holder) LargeHolder{large_holders_, version, false};
    has_large_ = true;
    value.large()->AddRef();
  } else if (value.size != 0) {
    std::memcpy(version->mutable_data(), value.data, value.size);
  }
  return version;
}

void FreshDelta::AppendSlot(std::string_view key, Version* version) {
  const uint32_t i = count_.load(std::memory_order_relaxed);
  FIRN_INVARIANT(i < capacity_ && i / kSlotsPerChunk < ready_chunks_);
  auto* added = new (chunk(i / kSlotsPerChunk) + i % kSlotsPerChunk)
      FreshSlot{key.data(), static_cast<uint32_t>(key.size()), 1, kLongChain, {}};
  added->chain.Push(version);
  const uint64_t fingerprint = static_cast<uint64_t>(Fingerprint(key)) << (8 * (i % 8));
  std::atomic<uint64_t>& word = words()[i / 8];
  word.store(word.load(std::memory_order_relaxed) | fingerprint, std::memory_order_relaxed);
  AtSchedulePoint("delta:before_count");
  count_.store(i + 1, std::memory_order_release);
}

}  // namespace firn::internal
