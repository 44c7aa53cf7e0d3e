#include "mvcc/span_allocator.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <new>

#include "mvcc/allocation_fault.h"
#include "mvcc/check.h"

#if defined(__SANITIZE_ADDRESS__)
#define FIRN_ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FIRN_ADDRESS_SANITIZER 1
#endif
#endif

#ifdef FIRN_ADDRESS_SANITIZER
#include <sanitizer/asan_interface.h>
#include <sanitizer/lsan_interface.h>
#endif

namespace firn::internal {

namespace {

constexpr size_t kCacheLine = 64;
constexpr size_t kPageBytes = 4096;
constexpr size_t kRegionBytes = size_t{2} << 20;
constexpr size_t kCellBytes = 1024;
constexpr size_t kRegionCells = kRegionBytes / kCellBytes;
constexpr size_t kRegionPages = kRegionBytes / kPageBytes;

// A span has at least this many cells, so spans that start in different groups of 16 cells are
// different, and a region needs one Span record for each group.
constexpr size_t kMinSpanCells = 16;
constexpr size_t kSpanRecords = kRegionCells / kMinSpanCells;
constexpr size_t kMaxBlocksPerSpan = kMinSpanCells * kCellBytes / kCacheLine;

// Up to here a block shares its span with others of its class; up to kMaxSpanBytes it is a span
// by itself; beyond that a mapping.
constexpr size_t kMaxClassBytes = 16 << 10;
constexpr size_t kMaxSpanBytes = 256 << 10;
constexpr uint8_t kSingleBlock = 0xFF;  // In place of a class index.

// From this many regions on, a new one asks for a huge page. Its first touch commits all 2 MiB,
// which a small map would notice: this is at most a quarter more.
constexpr size_t kSmallRegions = 4;

constexpr size_t kLinearClasses = 16;     // 64, 128, ... 1024
constexpr size_t kClassesPerOctave = 16;  // Above: 16 equal steps to each doubling.
constexpr unsigned kFirstOctave = 10;

constexpr size_t ClassIndexOf(size_t bytes) {
  if (bytes <= size_t{1} << kFirstOctave) return bytes == 0 ? 0 : (bytes - 1) / kCacheLine;
  const unsigned octave = static_cast<unsigned>(std::bit_width(bytes - 1)) - 1;
  const size_t base = size_t{1} << octave;
  return kLinearClasses + (octave - kFirstOctave) * kClassesPerOctave +
         (bytes - 1 - base) / (base / kClassesPerOctave);
}

constexpr size_t ClassBytes(size_t class_index) {
  if (class_index < kLinearClasses) return (class_index + 1) * kCacheLine;
  const size_t above = class_index - kLinearClasses;
  const size_t base = size_t{1} << (kFirstOctave + above / kClassesPerOctave);
  return base + (above % kClassesPerOctave + 1) * (base / kClassesPerOctave);
}

// The shortest span whose tail is at most 1/64 of it.
constexpr size_t SpanCellsOf(size_t class_index) {
  const size_t block_bytes = ClassBytes(class_index);
  size_t cells = std::max(kMinSpanCells, (2 * block_bytes + kCellBytes - 1) / kCellBytes);
  while (cells * kCellBytes % block_bytes > cells * kCellBytes / 64) ++cells;
  return cells;
}

struct ClassShape {
  uint32_t block_bytes;
  uint16_t span_cells;
  uint16_t blocks_per_span;
};

template <size_t kCount>
constexpr std::array<ClassShape, kCount> MakeShapes() {
  std::array<ClassShape, kCount> shapes{};
  for (size_t i = 0; i < kCount; ++i) {
    shapes[i].block_bytes = static_cast<uint32_t>(ClassBytes(i));
    shapes[i].span_cells = static_cast<uint16_t>(SpanCellsOf(i));
    shapes[i].blocks_per_span =
        static_cast<uint16_t>(shapes[i].span_cells * kCellBytes / shapes[i].block_bytes);
  }
  return shapes;
}

constexpr auto kShapes = MakeShapes<80>();
static_assert(ClassIndexOf(kMaxClassBytes) + 1 == kShapes.size());
static_assert(kShapes.back().block_bytes == kMaxClassBytes);

constexpr size_t RoundUp(size_t bytes, size_t step) { return (bytes + step - 1) / step * step; }

#ifdef FIRN_ADDRESS_SANITIZER
void ForbidAccess(void* data, size_t bytes) { ASAN_POISON_MEMORY_REGION(data, bytes); }
void AllowAccess(void* data, size_t bytes) { ASAN_UNPOISON_MEMORY_REGION(data, bytes); }
// So that the leak checker follows pointers from blocks to the heap (large values).
void AddLeakRoot(void* data, size_t bytes) { __lsan_register_root_region(data, bytes); }
void RemoveLeakRoot(void* data, size_t bytes) { __lsan_unregister_root_region(data, bytes); }
#else
void ForbidAccess(void*, size_t) {}
void AllowAccess(void*, size_t) {}
void AddLeakRoot(void*, size_t) {}
void RemoveLeakRoot(void*, size_t) {}
#endif

// Called before the block can be handed out again.
void PoisonFreed(void* data, [[maybe_unused]] size_t bytes) {
#ifdef FIRN_INVARIANTS
  std::memset(data, 0xDB, bytes);
#endif
  ForbidAccess(data, bytes);
}

void* MapMemory(size_t bytes) {
  void* data = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return data == MAP_FAILED ? nullptr : data;
}

// As MapMemory(kRegionBytes), but aligned to kRegionBytes.
void* MapAlignedRegion() {
  // The kernel mostly places a mapping next to the one before, so the first try often fits.
  char* data = static_cast<char*>(MapMemory(kRegionBytes));
  if (data == nullptr) return nullptr;
  if (reinterpret_cast<uintptr_t>(data) % kRegionBytes == 0) return data;
  munmap(data, kRegionBytes);
  data = static_cast<char*>(MapMemory(2 * kRegionBytes));
  if (data == nullptr) return nullptr;
  char* aligned = reinterpret_cast<char*>(RoundUp(reinterpret_cast<uintptr_t>(data), kRegionBytes));
  const size_t before = static_cast<size_t>(aligned - data);
  if (before > 0) munmap(data, before);
  if (before < kRegionBytes) munmap(aligned + kRegionBytes, kRegionBytes - before);
  return aligned;
}

// The end of the run that starts at bit `from` and whose bits all have the value of `kSet`.
template <bool kSet, size_t kWords>
size_t RunEnd(const std::array<uint64_t, kWords>& bits, size_t from) {
  size_t word = from / 64;
  if (word == kWords) return from;
  // Looks for the first bit that differs, so that bits of the other value become ones.
  uint64_t rest = (kSet ? ~bits[word] : bits[word]) >> (from % 64) << (from % 64);
  while (rest == 0) {
    if (++word == kWords) return kWords * 64;
    rest = kSet ? ~bits[word] : bits[word];
  }
  return word * 64 + static_cast<size_t>(std::countr_zero(rest));
}

template <size_t kWords>
void SetRun(std::array<uint64_t, kWords>& bits, size_t from, size_t count, bool value) {
  while (count > 0) {
    const size_t offset = from % 64;
    const size_t here = std::min(count, 64 - offset);
    const uint64_t mask = (~uint64_t{0} >> (64 - here)) << offset;
    if (value) {
      bits[from / 64] |= mask;
    } else {
      bits[from / 64] &= ~mask;
    }
    from += here;
    count -= here;
  }
}

}  // namespace

// One cache line. Which guard applies depends on the span: a class's mutex for the mutable part
// of a shared span; a single block's record changes only under the regions' mutex.
struct alignas(kCacheLine) SpanAllocator::Span {
  // Fixed while the span exists.
  uint16_t first_cell;
  uint16_t cells;
  uint16_t block_count;
  uint8_t class_index;  // Or kSingleBlock.

  // Guarded by the class's mutex.
  uint8_t bin;
  uint16_t free_count;
  Span* next;
  Span* previous;
  std::array<uint64_t, kMaxBlocksPerSpan / 64> free_blocks;

  Region* region() {
    return reinterpret_cast<Region*>(reinterpret_cast<uintptr_t>(this) & ~(kRegionBytes - 1));
  }
  char* begin() { return reinterpret_cast<char*>(region()) + first_cell * kCellBytes; }
};

struct SpanAllocator::Region {
  // Guarded by the regions' mutex.
  uint32_t slot = 0;
  uint32_t used_cells = 0;
  bool huge_page = false;
  std::array<uint64_t, kRegionCells / 64> used = {};
  std::array<uint64_t, kRegionPages / 64> committed = {};  // By page.

  // The record of the span that a cell belongs to. Written under the regions' mutex while no
  // block stands on the cell, read by Free() without.
  std::array<uint8_t, kRegionCells> record_of_cell;
  std::array<Span, kSpanRecords> spans;

  char* begin() { return reinterpret_cast<char*>(this); }
  static Span* SpanOf(void* data) {
    const uintptr_t address = reinterpret_cast<uintptr_t>(data);
    Region* region = reinterpret_cast<Region*>(address & ~(kRegionBytes - 1));
    return &region->spans[region->record_of_cell[address % kRegionBytes / kCellBytes]];
  }
  // Marks the pages as committed and returns how many were not.
  size_t Commit(size_t first_page, size_t end_page) {
    size_t fresh = 0;
    for (size_t page = RunEnd<true>(committed, first_page); page < end_page;
         page = RunEnd<true>(committed, page)) {
      const size_t end = std::min(RunEnd<false>(committed, page), end_page);
      SetRun(committed, page, end - page, true);
      fresh += end - page;
    }
    return fresh;
  }
};

namespace {
constexpr size_t kHeaderBytes = 11 << 10;
constexpr size_t kHeaderCells = kHeaderBytes / kCellBytes;
constexpr size_t kUsableCells = kRegionCells - kHeaderCells;
}  // namespace

SpanAllocator::SpanAllocator() {
  static_assert(kClassCount == kShapes.size());
  static_assert(sizeof(Span) == kCacheLine);
  static_assert(sizeof(Region) <= kHeaderBytes && sizeof(Region) > kHeaderBytes - kCellBytes);
}

SpanAllocator::~SpanAllocator() {
  FIRN_INVARIANT(allocated_bytes() == 0);
  for (Region* region : regions_) {
    if (region != nullptr) UnmapRegion(region);
  }
}

size_t SpanAllocator::UsableSize(size_t bytes) {
  if (bytes <= kMaxClassBytes) return kShapes[ClassIndexOf(bytes)].block_bytes;
  if (bytes <= 64 << 10) return RoundUp(bytes, kCellBytes);
  return RoundUp(bytes, kPageBytes);
}

SpanAllocator::Block SpanAllocator::Allocate(size_t bytes) {
  MaybeFailAllocation();
  if (bytes > std::numeric_limits<size_t>::max() / 2) throw std::bad_alloc();
  if (bytes <= kMaxClassBytes) {
    const size_t class_index = ClassIndexOf(bytes);
    const size_t usable = kShapes[class_index].block_bytes;
    void* data = AllocateFromClass(class_index);
    AllowAccess(data, usable);
    return {data, usable};
  }
  const size_t usable = UsableSize(bytes);
  void* data = nullptr;
  if (usable <= kMaxSpanBytes) {
    Span* span = TakeSpan(usable / kCellBytes);
    span->class_index = kSingleBlock;
    data = span->begin();
    AllowAccess(data, usable);
  } else {
    data = MapMemory(usable);
    if (data == nullptr) throw std::bad_alloc();
    AddLeakRoot(data, usable);
    reserved_bytes_.fetch_add(usable, std::memory_order_relaxed);
  }
  single_block_bytes_.fetch_add(usable, std::memory_order_relaxed);
  return {data, usable};
}

void SpanAllocator::Free(void* data, size_t bytes) {
  const size_t usable = UsableSize(bytes);
  if (usable <= kMaxClassBytes) {
    Span* span = Region::SpanOf(data);
    FIRN_CHECK(span->class_index == ClassIndexOf(bytes));
    PoisonFreed(data, usable);
    FreeToClass(span, data);
    return;
  }
  if (usable <= kMaxSpanBytes) {
    Span* span = Region::SpanOf(data);
    FIRN_CHECK(span->class_index == kSingleBlock && span->begin() == data &&
               span->cells * kCellBytes == usable);
    PoisonFreed(data, usable);
    ReturnSpan(span);
  } else {
    RemoveLeakRoot(data, usable);
    FIRN_CHECK(munmap(data, usable) == 0);
    reserved_bytes_.fetch_sub(usable, std::memory_order_relaxed);
  }
  single_block_bytes_.fetch_sub(usable, std::memory_order_relaxed);
}

size_t SpanAllocator::allocated_bytes() const {
  size_t bytes = single_block_bytes_.load(std::memory_order_relaxed);
  for (size_t i = 0; i < kClassCount; ++i) {
    bytes += classes_[i].block_count.load(std::memory_order_relaxed) * kShapes[i].block_bytes;
  }
  return bytes;
}

size_t SpanAllocator::reserved_bytes() const {
  return reserved_bytes_.load(std::memory_order_relaxed);
}

// --- Classes ---

void* SpanAllocator::AllocateFromClass(size_t class_index) {
  SizeClass& size_class = classes_[class_index];
  const ClassShape& shape = kShapes[class_index];
  MutexLock lock(size_class.mutex);
  Span* span = nullptr;
  for (size_t bin = kFillBins; bin-- > 0 && span == nullptr;) span = size_class.non_full[bin];
  if (span != nullptr) {
    Unlink(size_class, span);
  } else {
    span = TakeSpan(shape.span_cells);
    span->class_index = static_cast<uint8_t>(class_index);
    span->block_count = shape.blocks_per_span;
    span->free_count = shape.blocks_per_span;
    span->free_blocks = {};
    SetRun(span->free_blocks, 0, shape.blocks_per_span, true);
  }
  const size_t index = RunEnd<false>(span->free_blocks, 0);
  span->free_blocks[index / 64] &= ~(uint64_t{1} << index % 64);
  if (--span->free_count > 0) Link(size_class, span);
  size_class.block_count.store(size_class.block_count.load(std::memory_order_relaxed) + 1,
                               std::memory_order_relaxed);
  return span->begin() + index * shape.block_bytes;
}

void SpanAllocator::FreeToClass(Span* span, void* data) {
  SizeClass& size_class = classes_[span->class_index];
  const ClassShape& shape = kShapes[span->class_index];
  const size_t offset = static_cast<size_t>(static_cast<char*>(data) - span->begin());
  const size_t index = offset / shape.block_bytes;
  FIRN_CHECK(index * shape.block_bytes == offset);
  const uint64_t bit = uint64_t{1} << index % 64;

  MutexLock lock(size_class.mutex);
  FIRN_CHECK((span->free_blocks[index / 64] & bit) == 0);  // Else it was freed twice.
  if (span->free_count > 0) Unlink(size_class, span);
  span->free_blocks[index / 64] |= bit;
  ++span->free_count;
  size_class.block_count.store(size_class.block_count.load(std::memory_order_relaxed) - 1,
                               std::memory_order_relaxed);
  if (span->free_count == span->block_count) {
    ReturnSpan(span);
  } else {
    Link(size_class, span);
  }
}

void SpanAllocator::Link(SizeClass& size_class, Span* span) {
  span->bin =
      static_cast<uint8_t>((span->block_count - span->free_count) * kFillBins / span->block_count);
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

// --- Regions ---

SpanAllocator::Span* SpanAllocator::TakeSpan(size_t cells) {
  bool huge_page = false;
  {
    MutexLock lock(regions_mutex_);
    while (!longest_run_.empty() && longest_run_[1] >= cells) {
      size_t node = 1;
      while (node < regions_.size()) node = 2 * node + (longest_run_[2 * node] >= cells ? 0 : 1);
      Span* span = TakeSpanFrom(regions_[node - regions_.size()], cells);
      if (span != nullptr) return span;  // Else the bound was too high; it is exact now.
    }
    huge_page = region_count_ >= kSmallRegions;
  }
  // Outside of the mutex: the first touch of a huge page takes long. Two threads may get here
  // together; then one region too many is mapped, and serves the next spans.
  Region* region = MapRegion(huge_page);
  MutexLock lock(regions_mutex_);
  try {
    AddRegion(region);
  } catch (...) {
    UnmapRegion(region);
    throw;
  }
  return TakeSpanFrom(region, cells);
}

SpanAllocator::Span* SpanAllocator::TakeSpanFrom(Region* region, size_t cells) {
  size_t longest = 0;
  size_t first = RunEnd<true>(region->used, 0);
  while (first < kRegionCells) {
    const size_t end = RunEnd<false>(region->used, first);
    if (end - first >= cells) break;
    longest = std::max(longest, end - first);
    first = RunEnd<true>(region->used, end);
  }
  if (first == kRegionCells) {
    SetLongestRun(region, longest);
    return nullptr;
  }
  if (region == reserve_) reserve_ = nullptr;
  SetRun(region->used, first, cells, true);
  region->used_cells += static_cast<uint32_t>(cells);
  if (!region->huge_page) {
    const size_t pages =
        region->Commit(first * kCellBytes / kPageBytes,
                       RoundUp((first + cells) * kCellBytes, kPageBytes) / kPageBytes);
    reserved_bytes_.fetch_add(pages * kPageBytes, std::memory_order_relaxed);
  }
  const size_t record = first / kMinSpanCells;
  std::memset(&region->record_of_cell[first], static_cast<int>(record), cells);
  Span& span = region->spans[record];
  span.first_cell = static_cast<uint16_t>(first);
  span.cells = static_cast<uint16_t>(cells);
  return &span;
}

void SpanAllocator::ReturnSpan(Span* span) {
  Region* region = span->region();
  Region* surplus = nullptr;
  {
    MutexLock lock(regions_mutex_);
    const size_t first = span->first_cell;
    SetRun(region->used, first, span->cells, false);
    region->used_cells -= span->cells;
    size_t run_begin = first;
    while (run_begin > 0 && (region->used[(run_begin - 1) / 64] >> (run_begin - 1) % 64 & 1) == 0) {
      --run_begin;
    }
    const size_t run = RunEnd<false>(region->used, first) - run_begin;
    const size_t known = longest_run_[regions_.size() + region->slot];
    if (run > known) SetLongestRun(region, run);
    if (region->used_cells == 0) {
      if (reserve_ == nullptr) {
        reserve_ = region;
      } else {
        // Keeps the one that is filled first.
        surplus = region;
        if (region->slot < reserve_->slot) std::swap(surplus, reserve_);
        RemoveRegion(surplus);
      }
    }
  }
  if (surplus != nullptr) UnmapRegion(surplus);
}

SpanAllocator::Region* SpanAllocator::MapRegion(bool huge_page) {
  void* memory = MapAlignedRegion();
  if (memory == nullptr) throw std::bad_alloc();
  if (huge_page) {
    // Without huge pages (refused, or none left) it works all the same.
    huge_page = madvise(memory, kRegionBytes, MADV_HUGEPAGE) == 0;
  }
  Region* region = new (memory) Region;
  region->huge_page = huge_page;
  SetRun(region->used, 0, kHeaderCells, true);
  const size_t pages =
      region->Commit(0, huge_page ? kRegionPages : RoundUp(kHeaderBytes, kPageBytes) / kPageBytes);
  reserved_bytes_.fetch_add(pages * kPageBytes, std::memory_order_relaxed);
  ForbidAccess(region->begin() + kHeaderBytes, kRegionBytes - kHeaderBytes);
  AddLeakRoot(region, kRegionBytes);
  return region;
}

void SpanAllocator::UnmapRegion(Region* region) {
  size_t pages = 0;
  for (const uint64_t word : region->committed) pages += static_cast<size_t>(std::popcount(word));
  reserved_bytes_.fetch_sub(pages * kPageBytes, std::memory_order_relaxed);
  RemoveLeakRoot(region, kRegionBytes);
  AllowAccess(region, kRegionBytes);  // Somebody else's mapping may come to stand here.
  FIRN_CHECK(munmap(region, kRegionBytes) == 0);
}

void SpanAllocator::AddRegion(Region* region) {
  if (region_count_ == regions_.size()) {
    const size_t slots = std::max<size_t>(4, 2 * regions_.size());
    std::vector<Region*> regions = regions_;
    std::vector<uint16_t> longest_run(2 * slots);
    regions.resize(slots);
    for (size_t slot = 0; slot < regions_.size(); ++slot) {
      longest_run[slots + slot] = longest_run_[regions_.size() + slot];
    }
    for (size_t node = slots - 1; node > 0; --node) {
      longest_run[node] = std::max(longest_run[2 * node], longest_run[2 * node + 1]);
    }
    regions_.swap(regions);
    longest_run_.swap(longest_run);
  }
  const size_t slot =
      static_cast<size_t>(std::find(regions_.begin(), regions_.end(), nullptr) - regions_.begin());
  regions_[slot] = region;
  region->slot = static_cast<uint32_t>(slot);
  ++region_count_;
  SetLongestRun(region, kUsableCells);
}

void SpanAllocator::RemoveRegion(Region* region) {
  SetLongestRun(region, 0);
  regions_[region->slot] = nullptr;
  --region_count_;
}

void SpanAllocator::SetLongestRun(Region* region, size_t cells) {
  size_t node = regions_.size() + region->slot;
  longest_run_[node] = static_cast<uint16_t>(cells);
  while (node > 1) {
    node /= 2;
    const uint16_t longest = std::max(longest_run_[2 * node], longest_run_[2 * node + 1]);
    if (longest_run_[node] == longest) break;
    longest_run_[node] = longest;
  }
}

void SpanAllocator::ReleaseFreeMemory() {
  Region* surplus = nullptr;
  MutexLock lock(regions_mutex_);
  surplus = reserve_;
  reserve_ = nullptr;
  if (surplus != nullptr) RemoveRegion(surplus);
  if (surplus != nullptr) UnmapRegion(surplus);
  for (Region* region : regions_) {
    if (region == nullptr) continue;
    size_t pages = 0;
    for (size_t first = RunEnd<true>(region->used, 0); first < kRegionCells;) {
      const size_t end = RunEnd<false>(region->used, first);
      const size_t first_page = RoundUp(first * kCellBytes, kPageBytes) / kPageBytes;
      const size_t end_page = end * kCellBytes / kPageBytes;
      for (size_t page = RunEnd<false>(region->committed, first_page); page < end_page;
           page = RunEnd<false>(region->committed, page)) {
        const size_t run_end = std::min(RunEnd<true>(region->committed, page), end_page);
        if (madvise(region->begin() + page * kPageBytes, (run_end - page) * kPageBytes,
                    MADV_DONTNEED) != 0) {
          break;
        }
        SetRun(region->committed, page, run_end - page, false);
        pages += run_end - page;
      }
      first = RunEnd<true>(region->used, end);
    }
    if (pages > 0) region->huge_page = false;
    reserved_bytes_.fetch_sub(pages * kPageBytes, std::memory_order_relaxed);
  }
}

}  // namespace firn::internal
