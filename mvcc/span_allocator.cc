#include "mvcc/span_allocator.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <new>

#include "mvcc/allocation_fault.h"
#include "mvcc/bit_runs.h"
#include "mvcc/check.h"
#include "mvcc/memory_poison.h"
#include "mvcc/thread_ordinal.h"

namespace firn::internal {

namespace {

// Up to here a block shares a span with others of its class; up to kMaxRunBytes it is a run by
// itself; beyond that a mapping.
constexpr size_t kMaxClassBytes = 4 << 10;
constexpr size_t kMaxRunBytes = BlockPool::kMaxRunBytes;
// Runs are rounded to cells up to here; to 1 KiB up to there; beyond that to pages.
constexpr size_t kMaxFineBytes = 16 << 10;
constexpr size_t kMaxCoarseBytes = 64 << 10;

// Up to here blocks come from the pool of small ones.
constexpr size_t kMaxSmallBytes = 512;

constexpr size_t kLinearClasses = 16;     // 64, 128, ... 1024
constexpr size_t kClassesPerOctave = 16;  // Above: 16 equal steps to each doubling.
constexpr unsigned kFirstOctave = 10;

constexpr size_t ClassIndexOf(size_t bytes) {
  if (bytes <= size_t{1} << kFirstOctave) return bytes == 0 ? 0 : (bytes - 1) / kMinBlockBytes;
  const unsigned octave = static_cast<unsigned>(std::bit_width(bytes - 1)) - 1;
  const size_t base = size_t{1} << octave;
  return kLinearClasses + (octave - kFirstOctave) * kClassesPerOctave +
         (bytes - 1 - base) / (base / kClassesPerOctave);
}

constexpr size_t ClassBytes(size_t class_index) {
  if (class_index < kLinearClasses) return (class_index + 1) * kMinBlockBytes;
  const size_t above = class_index - kLinearClasses;
  const size_t base = size_t{1} << (kFirstOctave + above / kClassesPerOctave);
  return base + (above % kClassesPerOctave + 1) * (base / kClassesPerOctave);
}

// The shortest span whose tail is at most 1/64 of it.
constexpr size_t SpanBytesOf(size_t block_bytes) {
  size_t bytes = kMinSpanBytes;
  while (bytes % block_bytes > bytes / 64) bytes += kSpanCellBytes;
  return bytes;
}

struct ClassShape {
  uint32_t block_bytes;
  uint32_t span_bytes;
  uint16_t blocks_per_span;
};

template <size_t kCount>
constexpr std::array<ClassShape, kCount> MakeShapes() {
  std::array<ClassShape, kCount> shapes{};
  for (size_t i = 0; i < kCount; ++i) {
    shapes[i].block_bytes = static_cast<uint32_t>(ClassBytes(i));
    shapes[i].span_bytes = static_cast<uint32_t>(SpanBytesOf(shapes[i].block_bytes));
    shapes[i].blocks_per_span = static_cast<uint16_t>(shapes[i].span_bytes / shapes[i].block_bytes);
  }
  return shapes;
}

constexpr auto kShapes = MakeShapes<48>();
static_assert(ClassIndexOf(kMaxClassBytes) + 1 == kShapes.size());
static_assert(kShapes.back().block_bytes == kMaxClassBytes);

constexpr size_t RoundUp(size_t bytes, size_t step) { return (bytes + step - 1) / step * step; }

}  // namespace

SpanAllocator::SpanAllocator() = default;

SpanAllocator::~SpanAllocator() { FIRN_INVARIANT(allocated_bytes() == 0); }

size_t SpanAllocator::UsableSize(size_t bytes) {
  if (bytes <= kMaxClassBytes) return kShapes[ClassIndexOf(bytes)].block_bytes;
  if (bytes <= kMaxFineBytes) return RoundUp(bytes, BlockPool::kCellBytes);
  return RoundUp(bytes, bytes <= kMaxCoarseBytes ? 1024 : kPageBytes);
}

SpanAllocator::Block SpanAllocator::Allocate(size_t bytes) {
  MaybeFailAllocation();
  if (bytes > std::numeric_limits<size_t>::max() / 2) throw std::bad_alloc();
  const size_t usable = UsableSize(bytes);
  void* data = nullptr;
  if (usable <= kMaxClassBytes) {
    data = AllocateFromClass(ClassIndexOf(bytes));
  } else {
    data = usable <= kMaxRunBytes ? blocks_.Take(usable) : MapBlock(usable);
    single_block_bytes_.fetch_add(usable, std::memory_order_relaxed);
  }
  AllowAccess(data, usable);
  return {data, usable};
}

void SpanAllocator::Free(void* data, size_t bytes) {
  const size_t usable = UsableSize(bytes);
  if (usable <= kMaxClassBytes) {
    FreeToClass(ClassIndexOf(bytes), data);
    return;
  }
  if (usable <= kMaxRunBytes) {
    PoisonFreed(data, usable);
    blocks_.Return(data, usable);
  } else {
    UnmapBlock(data, usable);
  }
  single_block_bytes_.fetch_sub(usable, std::memory_order_relaxed);
}

void* SpanAllocator::AllocateFromClass(size_t class_index) {
  const size_t shard = ThreadOrdinal() % kShards;
  SizeClass& size_class = shards_[shard][class_index];
  const ClassShape& shape = kShapes[class_index];
  MutexLock lock(size_class.mutex);
  Span* span = nullptr;
  for (size_t bin = kFillBins; bin-- > 0 && span == nullptr;) span = size_class.non_full[bin];
  if (span != nullptr) {
    Unlink(size_class, span);
  } else {
    span = NewSpan(shard, class_index);
  }
  const size_t index = FindBit<true>(span->free_blocks, 0);
  span->free_blocks[index / 64] &= ~(uint64_t{1} << index % 64);
  if (--span->free_count > 0) Link(size_class, span);
  size_class.AddBlocks(1);
  return span->begin() + index * shape.block_bytes;
}

Span* SpanAllocator::NewSpan(size_t shard, size_t class_index) {
  const ClassShape& shape = kShapes[class_index];
  void* begin = PoolOf(shape.block_bytes).Take(shape.span_bytes);
  SpanTable& table = SpanPool::TableOf(begin);
  const size_t first_cell = SpanPool::CellOf(begin);
  const size_t record = first_cell * kSpanCellBytes / kMinSpanBytes;
  std::memset(&table.record_of_cell[first_cell], static_cast<int>(record),
              shape.span_bytes / kSpanCellBytes);
  Span* span = &table.spans[record];
  span->first_cell = static_cast<uint16_t>(first_cell);
  span->shard = static_cast<uint8_t>(shard);
  span->class_index = static_cast<uint8_t>(class_index);
  span->block_count = shape.blocks_per_span;
  span->free_count = shape.blocks_per_span;
  span->free_blocks = {};
  AssignBits(span->free_blocks, 0, shape.blocks_per_span, true);
  return span;
}

void SpanAllocator::FreeToClass(size_t class_index, void* data) {
  const ClassShape& shape = kShapes[class_index];
  SpanTable& table = SpanPool::TableOf(data);
  Span* span = &table.spans[table.record_of_cell[SpanPool::CellOf(data)]];
  const size_t offset = static_cast<size_t>(static_cast<char*>(data) - span->begin());
  const size_t index = offset / shape.block_bytes;
  FIRN_CHECK(span->class_index == class_index);  // Else `bytes` was wrong.
  FIRN_CHECK(index * shape.block_bytes == offset);
  const uint64_t bit = uint64_t{1} << index % 64;
  PoisonFreed(data, shape.block_bytes);

  SizeClass& size_class = shards_[span->shard][class_index];
  MutexLock lock(size_class.mutex);
  FIRN_CHECK((span->free_blocks[index / 64] & bit) == 0);  // Else it was freed twice.
  if (span->free_count > 0) Unlink(size_class, span);
  span->free_blocks[index / 64] |= bit;
  ++span->free_count;
  size_class.AddBlocks(-1);
  if (span->free_count < span->block_count) {
    Link(size_class, span);
  } else {
    PoolOf(shape.block_bytes).Return(span->begin(), shape.span_bytes);
  }
}

void SpanAllocator::Link(SizeClass& size_class, Span* span) {
  const size_t used_count = span->block_count - span->free_count;
  span->bin = static_cast<uint8_t>(used_count * kFillBins / span->block_count);
  Span*& head = size_class.non_full[span->bin];
  span->previous = nullptr;
  span->next = head;
  if (head != nullptr) head->previous = span;
  head = span;
}

void SpanAllocator::Unlink(SizeClass& size_class, Span* span) {
  if (span->next != nullptr) span->next->previous = span->previous;
  if (span->previous != nullptr) {
    span->previous->next = span->next;
  } else {
    size_class.non_full[span->bin] = span->next;
  }
}

SpanPool& SpanAllocator::PoolOf(size_t block_bytes) {
  return block_bytes <= kMaxSmallBytes ? small_spans_ : spans_;
}

void* SpanAllocator::MapBlock(size_t bytes) {
  void* data = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (data == MAP_FAILED) throw std::bad_alloc();
  AddLeakRoot(data, bytes);
  mapped_bytes_.fetch_add(bytes, std::memory_order_relaxed);
  return data;
}

void SpanAllocator::UnmapBlock(void* data, size_t bytes) {
  RemoveLeakRoot(data, bytes);
  // Refused if it would split a mapping beyond the system's limit: then only addresses are lost.
  if (munmap(data, bytes) != 0) madvise(data, bytes, MADV_DONTNEED);
  mapped_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
}

size_t SpanAllocator::allocated_bytes() const {
  size_t bytes = single_block_bytes_.load(std::memory_order_relaxed);
  for (const SizeClasses& classes : shards_) {
    for (size_t i = 0; i < kClassCount; ++i) {
      bytes += classes[i].block_count.load(std::memory_order_relaxed) * kShapes[i].block_bytes;
    }
  }
  return bytes;
}

size_t SpanAllocator::reserved_bytes() const {
  return mapped_bytes_.load(std::memory_order_relaxed) + small_spans_.reserved_bytes() +
         spans_.reserved_bytes() + blocks_.reserved_bytes();
}

bool SpanAllocator::WantsMemory() const {
  return small_spans_.WantsRegion() || spans_.WantsRegion() || blocks_.WantsRegion();
}

void SpanAllocator::PrepareMemory() {
  small_spans_.PrepareRegion();
  spans_.PrepareRegion();
  blocks_.PrepareRegion();
}

void SpanAllocator::ReleaseFreeMemory() {
  small_spans_.ReleaseFreeMemory();
  spans_.ReleaseFreeMemory();
  blocks_.ReleaseFreeMemory();
}

}  // namespace firn::internal
