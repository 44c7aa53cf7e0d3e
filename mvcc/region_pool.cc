#include "mvcc/region_pool.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <new>
#include <utility>

#include "mvcc/bit_runs.h"
#include "mvcc/check.h"
#include "mvcc/memory_poison.h"
#include "mvcc/os_memory.h"

namespace firn::internal {

namespace {

// For its first bytes a pool asks for no huge pages, which a small map would notice.
constexpr size_t kSmallHugePages = 4;
// And below these it is not evacuated: that would leave it none of its small pages, which go back to
// the system one by one. Nor is a region prepared, of which it would notice the size.
constexpr size_t kFewHugePages = 16;

// Free memory may be the pool's slack while it is at work, an eighth of what is lent once the pool
// lends an eighth less than at its peak, and a floor more. To give pages back all the time, to a
// pool that wants them again, would cost more than all else here. The floor is above what writers
// let pile up between two calls of Reclaim(): of a small map that is most of it, and it comes back
// at once.
constexpr size_t kShrunkDivisor = 8;
constexpr size_t kFreeFloorBytes = size_t{2} << 20;
// So much is returned between two looks at that, and so many regions are looked at then: giving
// pages back stays a small part of the work, and each call's part of it is bounded.
constexpr size_t kBytesBetweenTrims = 256 << 10;
constexpr size_t kRegionsPerTrim = 16;

// Memory of which this is lent is worth a huge page.
constexpr size_t kFullBytes = kHugePageBytes - kHugePageBytes / 16;

constexpr size_t kPagesPerHugePage = kHugePageBytes / kPageBytes;

// The first page that begins at or after a place in a region, and the page that a place is in.
constexpr size_t FirstPageFrom(size_t offset) { return (offset + kPageBytes - 1) / kPageBytes; }
constexpr size_t PageOf(size_t offset) { return offset / kPageBytes; }

}  // namespace

// The header of a region, in its first cells.
template <size_t kCell, class Table, size_t kRegion>
struct RegionPool<kCell, Table, kRegion>::Region {
  static constexpr size_t kPages = kRegionBytes / kPageBytes;
  static constexpr size_t kHugePages = kRegionBytes / kHugePageBytes;
  static constexpr size_t kCellsPerHugePage = kHugePageBytes / kCellBytes;

  struct HugePage {
    size_t lent_bytes = 0;
    bool asked_for = false;
  };

  // Guarded by the pool's mutex.
  size_t slot = 0;
  size_t lent_bytes = 0;
  size_t committed_pages = 0;
  bool is_evacuated = false;  // Then its place in longest_run_ says that it has no room.
  // Where the search for a run begins: where the last one was taken or returned. The order within
  // a region matters little, and what was just returned is still in the cache.
  size_t search_from = 0;
  std::array<HugePage, kHugePages> huge_pages = {};
  std::array<uint64_t, kRegionCells / 64> used = {};  // By cell.
  std::array<uint64_t, kPages / 64> committed = {};   // By page.
#ifdef FIRN_INVARIANTS
  std::array<uint64_t, kRegionCells / 64> run_begins = {};  // By cell.
#endif

  Table table;

  char* begin() { return reinterpret_cast<char*>(this); }

  char* begin_of_huge_page(size_t index) { return begin() + index * kHugePageBytes; }

  // Calls visit(index, from, end) for the part of [from, end), offsets in the region, that each
  // huge page has.
  template <typename Visit>
  static void ForEachHugePage(size_t from, size_t end, Visit visit) {
    while (from < end) {
      const size_t index = from / kHugePageBytes;
      const size_t part_end = std::min(end, (index + 1) * kHugePageBytes);
      visit(index, from, part_end);
      from = part_end;
    }
  }

  void CountLent(size_t from, size_t end) {
    ForEachHugePage(from, end, [&](size_t index, size_t part, size_t part_end) {
      huge_pages[index].lent_bytes += part_end - part;
    });
  }
  void CountReturned(size_t from, size_t end) {
    ForEachHugePage(from, end, [&](size_t index, size_t part, size_t part_end) {
      huge_pages[index].lent_bytes -= part_end - part;
    });
  }

  // Returns how many of the pages were not committed before.
  size_t Commit(size_t first_page, size_t end_page) {
    size_t fresh = 0;
    ForEachRun<false>(committed, first_page, end_page, [&](size_t page, size_t end) {
      AssignBits(committed, page, end, true);
      fresh += end - page;
    });
    committed_pages += fresh;
    return fresh;
  }
  size_t CommitHugePage(size_t index) {
    return Commit(index * kPagesPerHugePage, (index + 1) * kPagesPerHugePage);
  }
  // The same for what a touch of [from, end), offsets in the region, will bring.
  size_t CommitTouched(size_t from, size_t end) {
    size_t fresh = 0;
    ForEachHugePage(from, end, [&](size_t index, size_t part, size_t part_end) {
      fresh += huge_pages[index].asked_for ? CommitHugePage(index)
                                           : Commit(PageOf(part), FirstPageFrom(part_end));
    });
    return fresh;
  }

  // At least an eighth of it, else a huge page would be broken up for little: with it goes a tenth
  // of the speed of random reads.
  bool HasMuchToRelease(size_t index) const {
    size_t pages = 0;
    ForEachRun<true>(committed, index * kPagesPerHugePage, (index + 1) * kPagesPerHugePage,
                     [&](size_t page, size_t end) { pages += end - page; });
    return (pages - PageOf(huge_pages[index].lent_bytes)) * 8 >= pages;
  }
  // Then it can be given back and be a huge page all the same when it is touched again.
  bool IsWhollyFree(size_t index) const {
    return huge_pages[index].lent_bytes == 0 && index * kCellsPerHugePage >= HeaderCells();
  }

  // The first free run of `cells` that begins in [from, end), or kRegionCells. Raises `longest`
  // to a bound of the runs it passes.
  //
  // Most runs are too short, and stepping from one to the next took most of the allocator's time
  // in a map of 700 MB. So whole words are filtered for a run of `sure` cells, the power of two
  // below `cells`, and only what passes is measured: 1.3 us for a pair of Allocate and Free, not
  // 1.8.
  size_t FindRun(size_t cells, size_t from, size_t end, size_t& longest) const {
    const size_t sure = std::min<size_t>(std::bit_floor(cells), 64);
    longest = std::max(longest, sure - 1);
    for (size_t at = from; at < end;) {
      const size_t word = at / 64;
      // A run of `sure` that begins here reaches the end of the word, or is all in it.
      uint64_t free = ~used[word] & (~uint64_t{0} << at % 64);
      uint64_t inside = free;
      for (size_t run = 1; run < sure; run *= 2) inside &= inside >> run;
      if (inside == 0 && (free >> 63) == 0) {
        at = (word + 1) * 64;
        continue;
      }
      const size_t first =
          word * 64 + (inside != 0 ? static_cast<size_t>(std::countr_zero(inside))
                                   : 64 - static_cast<size_t>(std::countl_one(free)));
      const size_t run_end = FindBit<true>(used, first);
      if (run_end - first >= cells) return first < end ? first : kRegionCells;
      longest = std::max(longest, run_end - first);
      at = run_end;
    }
    return kRegionCells;
  }

  // A run that is returned twice, or with another size, is a bug of the caller. Release builds
  // notice the first kind only.
  void CheckLent(size_t first, size_t end) const {
    FIRN_CHECK(FindBit<false>(used, first) >= end);
#ifdef FIRN_INVARIANTS
    FIRN_CHECK(FindBit<true>(run_begins, first) == first);
    const size_t next = FindBit<true>(run_begins, first + 1);
    FIRN_CHECK(next == end || (next > end && FindBit<false>(used, end) == end) ||
               end == kRegionCells);
#endif
  }
  void MarkBegin([[maybe_unused]] size_t cell, [[maybe_unused]] bool begins) {
#ifdef FIRN_INVARIANTS
    AssignBits(run_begins, cell, cell + 1, begins);
#endif
  }
};

template <size_t kCell, class Table, size_t kRegion>
constexpr size_t RegionPool<kCell, Table, kRegion>::HeaderCells() {
  return (sizeof(Region) + kCellBytes - 1) / kCellBytes;
}

template <size_t kCell, class Table, size_t kRegion>
auto RegionPool<kCell, Table, kRegion>::RegionOf(const void* data) -> Region* {
  return reinterpret_cast<Region*>(reinterpret_cast<uintptr_t>(data) & ~(kRegionBytes - 1));
}

template <size_t kCell, class Table, size_t kRegion>
Table& RegionPool<kCell, Table, kRegion>::TableOf(const void* data) {
  return RegionOf(data)->table;
}

template <size_t kCell, class Table, size_t kRegion>
size_t RegionPool<kCell, Table, kRegion>::CellOf(const void* data) {
  return reinterpret_cast<uintptr_t>(data) % kRegionBytes / kCellBytes;
}

template <size_t kCell, class Table, size_t kRegion>
RegionPool<kCell, Table, kRegion>::RegionPool(Slack slack) : slack_(slack) {
  static_assert(kRegion % kHugePageBytes == 0 && std::has_single_bit(kRegion));
  static_assert((HeaderCells() + 4) * kCellBytes + kMaxRunBytes < kRegionBytes);
  static_assert(kRegionCells <= UINT16_MAX, "longest_run_ would not hold it");
}

template <size_t kCell, class Table, size_t kRegion>
RegionPool<kCell, Table, kRegion>::~RegionPool() {
  for (Region* region : regions_) {
    if (region != nullptr) Unmap(region);
  }
  if (prepared_ != nullptr) Unmap(prepared_);
}

template <size_t kCell, class Table, size_t kRegion>
void* RegionPool<kCell, Table, kRegion>::Take(size_t bytes) {
  const size_t cells = bytes / kCellBytes;
  size_t small_pages;
  {
    MutexLock lock(mutex_);
    while (!longest_run_.empty() && longest_run_[1] >= cells) {
      size_t node = 1;
      while (node < regions_.size()) node = 2 * node + (longest_run_[2 * node] >= cells ? 0 : 1);
      void* run = TakeFrom(regions_[node - regions_.size()], cells);
      if (run != nullptr) return run;
    }
    if (prepared_ != nullptr) {
      Region* region = prepared_;
      Add(region);
      prepared_ = nullptr;
      CountCommitted(0, region->committed_pages);  // Add() counted them again.
      return TakeFrom(region, cells);
    }
    small_pages = kSmallHugePages - std::min(kSmallHugePages, region_count_ * Region::kHugePages);
  }
  // Without the mutex: the first touch of a huge page takes long. Two threads may get here
  // together; then one region too many is mapped, and serves the next runs.
  Region* region = Map(small_pages);
  if (region == nullptr) {
    {
      MutexLock lock(mutex_);
      // Or another thread has opened them, or prepared one, meanwhile.
      if (prepared_ == nullptr && !OpenAll() && (longest_run_.empty() || longest_run_[1] < cells)) {
        throw std::bad_alloc();
      }
    }
    return Take(bytes);
  }
  MutexLock lock(mutex_);
  try {
    Add(region);
  } catch (...) {
    Unmap(region);
    throw;
  }
  return TakeFrom(region, cells);
}

template <size_t kCell, class Table, size_t kRegion>
void RegionPool<kCell, Table, kRegion>::PrepareRegion() {
  {
    MutexLock lock(mutex_);
    if (!WantsRegion()) return;
    wants_region_.store(false, std::memory_order_relaxed);
    if (preparing_ || prepared_ != nullptr) return;
    preparing_ = true;
  }
  Region* region = Map(/*small_pages=*/0);
  {
    MutexLock lock(mutex_);
    if (std::exchange(preparing_, false) && region != nullptr) {
      CountCommitted(region->committed_pages, 0);
      std::swap(prepared_, region);
    }
  }
  if (region != nullptr) Unmap(region);  // Free memory was given back meanwhile.
}

template <size_t kCell, class Table, size_t kRegion>
void* RegionPool<kCell, Table, kRegion>::TakeFrom(Region* region, size_t cells) {
  size_t longest = 0;
  size_t first = region->FindRun(cells, region->search_from, kRegionCells, longest);
  if (first == kRegionCells) first = region->FindRun(cells, 0, region->search_from, longest);
  if (first == kRegionCells) {
    SetLongestRun(region, longest);
    return nullptr;
  }
  if (region == reserve_) reserve_ = nullptr;
  const size_t end = first + cells;
  AssignBits(region->used, first, end, true);
  region->MarkBegin(first, true);
  region->search_from = end % kRegionCells;
  region->lent_bytes += cells * kCellBytes;
  lent_bytes_ += cells * kCellBytes;
  peak_bytes_ = std::max(peak_bytes_, lent_bytes_);
  if (region->committed_pages < Region::kPages) {
    CountCommitted(region->CommitTouched(first * kCellBytes, end * kCellBytes), 0);
  }
  region->CountLent(first * kCellBytes, end * kCellBytes);
  for (size_t index = first / Region::kCellsPerHugePage; index * Region::kCellsPerHugePage < end;
       ++index) {
    const auto& huge_page = region->huge_pages[index];
    if (huge_page.asked_for || huge_page.lent_bytes < kFullBytes) continue;
    AskForHugePage(region, index);
  }
  return region->begin() + first * kCellBytes;
}

template <size_t kCell, class Table, size_t kRegion>
void RegionPool<kCell, Table, kRegion>::Return(void* run, size_t bytes) {
  Region* region = RegionOf(run);
  const size_t first = CellOf(run);
  const size_t end = first + bytes / kCellBytes;
  Region* surplus = nullptr;
  {
    MutexLock lock(mutex_);
    region->CheckLent(first, end);
    AssignBits(region->used, first, end, false);
    region->MarkBegin(first, false);
    region->lent_bytes -= bytes;
    lent_bytes_ -= bytes;
    region->CountReturned(first * kCellBytes, end * kCellBytes);
    const size_t free_begin = FindBitBefore<true>(region->used, first);
    const size_t free_cells = FindBit<true>(region->used, end) - free_begin;
    region->search_from = free_begin;
    if (region->lent_bytes == 0) region->is_evacuated = false;
    if (!region->is_evacuated && free_cells > longest_run_[regions_.size() + region->slot]) {
      SetLongestRun(region, free_cells);
    }

    if (region->lent_bytes == 0) {
      surplus = region;
      // The reserve is the one that is used first.
      if (reserve_ == nullptr || region->slot < reserve_->slot) std::swap(surplus, reserve_);
      if (surplus != nullptr) Remove(surplus);
    }
    returned_bytes_ += bytes;
    if (returned_bytes_ >= kBytesBetweenTrims) {
      returned_bytes_ = 0;
      if (HoldsTooMuch()) Trim();
    }
  }
  if (surplus != nullptr) Unmap(surplus);
}

template <size_t kCell, class Table, size_t kRegion>
void RegionPool<kCell, Table, kRegion>::DivideAt([[maybe_unused]] void* part) {
#ifdef FIRN_INVARIANTS
  MutexLock lock(mutex_);
  RegionOf(part)->MarkBegin(CellOf(part), true);
#endif
}

template <size_t kCell, class Table, size_t kRegion>
bool RegionPool<kCell, Table, kRegion>::IsLarge() const {
  return region_count_ * Region::kHugePages > kFewHugePages;
}

template <size_t kCell, class Table, size_t kRegion>
bool RegionPool<kCell, Table, kRegion>::HoldsTooMuch() const {
  const bool shrunk = lent_bytes_ < peak_bytes_ - peak_bytes_ / kShrunkDivisor;
  const size_t steady_bytes = slack_ == Slack::kAsMuch ? lent_bytes_ : lent_bytes_ / 2;
  const size_t free_bytes = shrunk ? lent_bytes_ / kShrunkDivisor : steady_bytes;
  return reserved_bytes() > lent_bytes_ + free_bytes + kFreeFloorBytes;
}

template <size_t kCell, class Table, size_t kRegion>
void RegionPool<kCell, Table, kRegion>::UnmapSpare() {
  if (Region* region = reserve_; region != nullptr) {
    Remove(region);
    Unmap(region);
  }
  if (Region* region = std::exchange(prepared_, nullptr); region != nullptr) {
    CountCommitted(0, region->committed_pages);
    Unmap(region);
  }
  preparing_ = false;
  wants_region_.store(false, std::memory_order_relaxed);
}

template <size_t kCell, class Table, size_t kRegion>
void RegionPool<kCell, Table, kRegion>::Trim() {
  UnmapSpare();
  for (size_t looked_at = 0; looked_at < kRegionsPerTrim && HoldsTooMuch(); ++looked_at) {
    if (trim_slot_ == 0) {
      // Once around: what is still there will not go, or is new.
      peak_bytes_ = lent_bytes_;
      trim_slot_ = regions_.size();
    }
    Region* region = regions_[--trim_slot_];
    if (region == nullptr) continue;
    // The new regions have holes as long as what moves in moves on.
    if (evacuating_ && !region->is_evacuated) continue;
    ReleaseFreePages(region, Thoroughness::kWhereMuch);
  }
  if (!HoldsTooMuch()) {
    peak_bytes_ = lent_bytes_;
    trim_slot_ = regions_.size();
  }
}

template <size_t kCell, class Table, size_t kRegion>
void RegionPool<kCell, Table, kRegion>::ReleaseFreePages(Region* region,
                                                         Thoroughness thoroughness) {
  size_t released = 0;
  for (size_t index = 0; index < Region::kHugePages; ++index) {
    auto& huge_page = region->huge_pages[index];
    const bool only_much = huge_page.asked_for || thoroughness == Thoroughness::kWhereMuch;
    if (only_much && !region->HasMuchToRelease(index)) continue;
    const bool stays_huge = region->IsWhollyFree(index);
    const auto release = [&](size_t page, size_t end) {
      if (huge_page.asked_for && !stays_huge) {
        // Else the kernel would put the huge page together again by itself.
        madvise(region->begin_of_huge_page(index), kHugePageBytes, MADV_NOHUGEPAGE);
        huge_page.asked_for = false;
      }
      char* begin = region->begin() + page * kPageBytes;
      if (madvise(begin, (end - page) * kPageBytes, MADV_DONTNEED) != 0) return;  // Keep them.
      AssignBits(region->committed, page, end, false);
      released += end - page;
    };
    const size_t first_cell = std::max(index * Region::kCellsPerHugePage, HeaderCells());
    ForEachRun<false>(region->used, first_cell, (index + 1) * Region::kCellsPerHugePage,
                      [&](size_t first, size_t end) {
                        ForEachRun<true>(region->committed, FirstPageFrom(first * kCellBytes),
                                         PageOf(end * kCellBytes), release);
                      });
  }
  region->committed_pages -= released;
  CountCommitted(0, released);
}

template <size_t kCell, class Table, size_t kRegion>
void RegionPool<kCell, Table, kRegion>::ReleaseFreeMemory() {
  MutexLock lock(mutex_);
  UnmapSpare();
  for (Region* region : regions_) {
    if (region != nullptr) ReleaseFreePages(region, Thoroughness::kAll);
  }
}

template <size_t kCell, class Table, size_t kRegion>
size_t RegionPool<kCell, Table, kRegion>::scattered_bytes() {
  MutexLock lock(mutex_);
  if (!IsLarge() || !had_huge_pages_) return 0;
  size_t bytes = 0;
  for (const Region* region : regions_) {
    if (region == nullptr) continue;
    for (const auto& huge_page : region->huge_pages) {
      if (!huge_page.asked_for) bytes += huge_page.lent_bytes;
    }
  }
  return bytes;
}

template <size_t kCell, class Table, size_t kRegion>
bool RegionPool<kCell, Table, kRegion>::BeginEvacuation() {
  MutexLock lock(mutex_);
  if (!IsLarge()) return false;
  evacuating_ = true;
  for (Region* region : regions_) {
    if (region == nullptr || region->lent_bytes == 0) continue;
    region->is_evacuated = true;
    SetLongestRun(region, 0);
  }
  return true;
}

template <size_t kCell, class Table, size_t kRegion>
void RegionPool<kCell, Table, kRegion>::EndEvacuation() {
  MutexLock lock(mutex_);
  OpenAll();
}

template <size_t kCell, class Table, size_t kRegion>
bool RegionPool<kCell, Table, kRegion>::OpenAll() {
  evacuating_ = false;
  bool opened = false;
  for (Region* region : regions_) {
    if (region == nullptr || !region->is_evacuated) continue;
    region->is_evacuated = false;
    opened = true;
    SetLongestRun(region, kRegionCells - HeaderCells() - region->lent_bytes / kCellBytes);
  }
  return opened;
}

template <size_t kCell, class Table, size_t kRegion>
void RegionPool<kCell, Table, kRegion>::CountCommitted(size_t more, size_t fewer) {
  committed_pages_.store(committed_pages_.load(std::memory_order_relaxed) + more - fewer,
                         std::memory_order_relaxed);
}

template <size_t kCell, class Table, size_t kRegion>
auto RegionPool<kCell, Table, kRegion>::Map(size_t small_pages) -> Region* {
  char* memory = MapAligned(kRegionBytes, kRegionBytes);
  if (memory == nullptr) return nullptr;
  // Without huge pages (refused, or none left) it works all the same. Where the system gives them
  // unasked, a small map declines.
  const size_t small_bytes = std::min(small_pages * kHugePageBytes, kRegionBytes);
  if (small_bytes > 0) madvise(memory, small_bytes, MADV_NOHUGEPAGE);
  const bool agreed = small_bytes < kRegionBytes &&
                      madvise(memory + small_bytes, kRegionBytes - small_bytes, MADV_HUGEPAGE) == 0;
  Region* region = new (memory) Region;
  for (size_t index = small_bytes / kHugePageBytes; index < Region::kHugePages; ++index) {
    region->huge_pages[index].asked_for = agreed;
  }
  AssignBits(region->used, 0, HeaderCells(), true);
  region->CommitTouched(0, sizeof(Region));
  const size_t header_bytes = HeaderCells() * kCellBytes;
  ForbidAccess(region->begin() + header_bytes, kRegionBytes - header_bytes);
  AddLeakRoot(region, kRegionBytes);
  return region;
}

template <size_t kCell, class Table, size_t kRegion>
void RegionPool<kCell, Table, kRegion>::Unmap(Region* region) {
  RemoveLeakRoot(region, kRegionBytes);
  AllowAccess(region, kRegionBytes);  // Somebody else's mapping may come to stand here.
  UnmapMemory(region, kRegionBytes);
}

// For memory that was mapped small, or was broken up, and has filled.
template <size_t kCell, class Table, size_t kRegion>
void RegionPool<kCell, Table, kRegion>::AskForHugePage(Region* region, size_t index) {
  if (reserved_bytes() <= kSmallHugePages * kHugePageBytes) return;
  // The kernel puts it together in its own time.
  if (madvise(region->begin_of_huge_page(index), kHugePageBytes, MADV_HUGEPAGE) != 0) return;
  region->huge_pages[index].asked_for = true;
  CountCommitted(region->CommitHugePage(index), 0);
}

template <size_t kCell, class Table, size_t kRegion>
void RegionPool<kCell, Table, kRegion>::Add(Region* region) {
  if (region_count_ == regions_.size()) {
    const size_t slots = std::max<size_t>(4, 2 * regions_.size());
    std::vector<Region*> regions = regions_;
    regions.resize(slots);
    std::vector<uint16_t> longest_run(2 * slots);
    for (size_t slot = 0; slot < regions_.size(); ++slot) {
      longest_run[slots + slot] = longest_run_[regions_.size() + slot];
    }
    for (size_t node = slots - 1; node > 0; --node) {
      longest_run[node] = std::max(longest_run[2 * node], longest_run[2 * node + 1]);
    }
    regions_.swap(regions);
    longest_run_.swap(longest_run);
  }
  region->slot =
      static_cast<size_t>(std::find(regions_.begin(), regions_.end(), nullptr) - regions_.begin());
  regions_[region->slot] = region;
  ++region_count_;
  had_huge_pages_ |= region->huge_pages.back().asked_for;
  CountCommitted(region->committed_pages, 0);
  SetLongestRun(region, kRegionCells - HeaderCells());
  if (IsLarge()) wants_region_.store(true, std::memory_order_relaxed);
}

template <size_t kCell, class Table, size_t kRegion>
void RegionPool<kCell, Table, kRegion>::Remove(Region* region) {
  if (region == reserve_) reserve_ = nullptr;
  SetLongestRun(region, 0);
  regions_[region->slot] = nullptr;
  --region_count_;
  CountCommitted(0, region->committed_pages);
}

template <size_t kCell, class Table, size_t kRegion>
void RegionPool<kCell, Table, kRegion>::SetLongestRun(Region* region, size_t cells) {
  size_t node = regions_.size() + region->slot;
  longest_run_[node] = static_cast<uint16_t>(cells);
  while (node > 1) {
    node /= 2;
    const uint16_t longest = std::max(longest_run_[2 * node], longest_run_[2 * node + 1]);
    if (longest_run_[node] == longest) break;
    longest_run_[node] = longest;
  }
}

template class RegionPool<kSpanCellBytes, SpanTable>;
template class RegionPool<256, NoTable>;
template class RegionPool<64, NoTable>;
template class RegionPool<1024, NoTable, 16 * kHugePageBytes>;

}  // namespace firn::internal
