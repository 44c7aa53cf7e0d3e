// Memory from the OS in regions of one or more huge pages, lent in runs.
#ifndef FIRN_MVCC_REGION_POOL_H_
#define FIRN_MVCC_REGION_POOL_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "mvcc/mutex.h"

namespace firn::internal {

inline constexpr size_t kPageBytes = 4096;
inline constexpr size_t kHugePageBytes = size_t{2} << 20;

// A RegionPool maps regions, lends runs of cells from them, and gives memory back to the OS.
//
// Thread-safety: all methods may be called by any thread at any time.
// Errors: Take throws std::bad_alloc and leaves the pool as it was.
//
// Three rules keep a shrinking map from being scattered over regions that never empty:
// - A run comes from the first region (in slot order) that has room, so the last regions drain.
//   This is also the memory that has been touched already: fresh pages cost 0.7 us per KiB.
// - A wholly free region is unmapped, except for one in reserve against oscillation.
// - When the pool has shrunk and still holds much more than it lends, stragglers are holding
//   regions. Then the last regions give their free pages back. That breaks up huge pages which are
//   lent in part; one that fills again is asked for again.
//
// The first 8 MiB are small in effect: only pages that were lent are ever touched. What comes later
// asks for huge pages, of which the first touch commits all 2 MiB. That takes the kernel a
// millisecond, so a pool of over 32 MiB has somebody prepare its next region, if there is somebody:
// whoever takes a run then finds it touched already.
//
// A region begins with a header, in which the pool's user has a Table; Table's default constructor
// runs when the region is mapped.
//
// kRegion: the bytes of a region, whole huge pages and a power of two. Regions of one page empty
// most easily; runs of a megabyte need wider ones.
template <size_t kCell, class Table, size_t kRegion = kHugePageBytes>
class RegionPool {
 public:
  static constexpr size_t kCellBytes = kCell;
  static constexpr size_t kRegionBytes = kRegion;
  static constexpr size_t kRegionCells = kRegionBytes / kCellBytes;
  // So much fits into a region several times.
  static constexpr size_t kMaxRunBytes = kRegionBytes / 8;

  // How much free memory a pool at work keeps, beside what it lends.
  enum class Slack {
    kHalf,    // Half as much: holes between runs of changing sizes take up to a quarter.
    kAsMuch,  // As much: of a pool whose user copies what is lent, all of it after a while, to
    // close the holes. To take single pages out of used regions meanwhile would be in vain.
  };
  explicit RegionPool(Slack slack = Slack::kHalf);
  // Unmaps all regions, whatever is lent.
  ~RegionPool();
  RegionPool(const RegionPool&) = delete;
  RegionPool& operator=(const RegionPool&) = delete;

  // A run of `bytes`, which are whole cells, at most kMaxRunBytes and at least one cell.
  void* Take(size_t bytes) ABSL_LOCKS_EXCLUDED(mutex_);
  void Return(void* run, size_t bytes) ABSL_LOCKS_EXCLUDED(mutex_);
  // What was taken as one run is returned in parts, one of which begins here.
  void DivideAt(void* part) ABSL_LOCKS_EXCLUDED(mutex_);

  // The table of the region that `data` lies in, and the number of the cell there. No lock: the
  // region stays while something in it is lent.
  static Table& TableOf(const void* data);
  static size_t CellOf(const void* data);

  // The pool has grown and its next region is not prepared.
  bool WantsRegion() const { return wants_region_.load(std::memory_order_relaxed); }
  // Maps the region that the pool will need next, if it wants one. For a thread that nobody waits
  // for. Without memory, nothing is done, and nothing is wanted until the pool has grown again.
  void PrepareRegion() ABSL_LOCKS_EXCLUDED(mutex_);

  // What the OS has committed, as far as we can know: the bytes of pages that were lent, or came
  // with a huge page, since they were last given back.
  size_t reserved_bytes() const {
    return committed_pages_.load(std::memory_order_relaxed) * kPageBytes;
  }
  // Gives free pages back now: all but those of huge pages that are nearly full.
  void ReleaseFreeMemory() ABSL_LOCKS_EXCLUDED(mutex_);

  // Whether BeginEvacuation() would do anything.
  bool IsWorthEvacuating() ABSL_LOCKS_EXCLUDED(mutex_) {
    const MutexLock lock(mutex_);
    return IsLarge();
  }
  // How much of what is lent lies on single pages that were huge ones, until some of them were given
  // back: an evacuation would bring it to huge ones. None in a pool that asks for none, nor in a
  // small one.
  size_t scattered_bytes() ABSL_LOCKS_EXCLUDED(mutex_);

  // From here to EndEvacuation() runs come from new regions, as long as there is memory for them: for
  // a user who is about to copy what is lent. In the holes of today's regions the copies would keep
  // each of these for the sake of a few, on single pages, which would then fill up with others.
  // Returns false, and changes nothing, if the pool is small: up to 32 MiB.
  bool BeginEvacuation() ABSL_LOCKS_EXCLUDED(mutex_);
  void EndEvacuation() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Region;
  static constexpr size_t HeaderCells();
  static Region* RegionOf(const void* data);

  // Null if the region has no such run after all; then its entry in longest_run_ is exact.
  void* TakeFrom(Region* region, size_t cells) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void AskForHugePage(Region* region, size_t index) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // All but the region's first `small_pages` huge pages are asked for. Null if there is no memory.
  static Region* Map(size_t small_pages);
  static void Unmap(Region* region);
  void Add(Region* region) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The caller unmaps it, preferably without the mutex.
  void Remove(Region* region) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Gives back the regions of which nothing is lent: the reserve and the prepared one.
  void UnmapSpare() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void SetLongestRun(Region* region, size_t cells) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Runs come from all regions again. Returns false if they did all the time.
  bool OpenAll() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // Over 32 MiB: it does not notice a region more.
  bool IsLarge() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool HoldsTooMuch() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Gives back what is spare, and then the free pages of some regions.
  void Trim() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Not those of huge pages that are nearly full.
  enum class Thoroughness {
    kWhereMuch,  // Nor any others, unless 2 MiB have an eighth to give.
    kAll,
  };
  void ReleaseFreePages(Region* region, Thoroughness thoroughness)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void CountCommitted(size_t more, size_t fewer) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Slack slack_;

  Mutex mutex_;
  // By slot; null where a region was unmapped. The first slots are used first.
  std::vector<Region*> regions_ ABSL_GUARDED_BY(mutex_);
  // A tournament over the slots: node i holds the maximum of its children 2i and 2i + 1; the leaf
  // of slot s is node regions_.size() + s and holds an upper bound of the region's longest free
  // run. So the first region with room is found in log2(regions) steps.
  std::vector<uint16_t> longest_run_ ABSL_GUARDED_BY(mutex_);
  size_t region_count_ ABSL_GUARDED_BY(mutex_) = 0;
  Region* reserve_ ABSL_GUARDED_BY(mutex_) = nullptr;  // The free region that is kept, or null.

  // Mapped, touched and counted as committed, but in no slot yet; or null.
  Region* prepared_ ABSL_GUARDED_BY(mutex_) = nullptr;
  // Somebody is at it; false again if nothing that is spare is to be kept.
  bool preparing_ ABSL_GUARDED_BY(mutex_) = false;

  bool evacuating_ ABSL_GUARDED_BY(mutex_) = false;
  bool had_huge_pages_ ABSL_GUARDED_BY(mutex_) = false;

  size_t lent_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t peak_bytes_ ABSL_GUARDED_BY(mutex_) = 0;      // Lent at most since the last trimming.
  size_t returned_bytes_ ABSL_GUARDED_BY(mutex_) = 0;  // Since the last look at HoldsTooMuch().
  size_t trim_slot_ ABSL_GUARDED_BY(mutex_) = 0;       // Trim() goes down from here.

  // Writer: under mutex_. Reader: reserved_bytes(), without. relaxed: a statistic, from which
  // nobody derives anything about other memory.
  std::atomic<size_t> committed_pages_{0};
  // Writer: under mutex_. Reader: WantsRegion(), without. relaxed: who looks late prepares late.
  std::atomic<bool> wants_region_{false};
};

// --- Spans: runs that hold blocks of one size class ---

// A span has at least this many bytes, so spans that begin in the same 16 KiB are the same, and a
// region needs one Span record for each 16 KiB.
inline constexpr size_t kMinSpanBytes = 16 << 10;
inline constexpr size_t kSpanRecords = kHugePageBytes / kMinSpanBytes;
inline constexpr size_t kMinBlockBytes = 64;
inline constexpr size_t kMaxBlocksPerSpan = kMinSpanBytes / kMinBlockBytes;
inline constexpr size_t kSpanCellBytes = 1024;

// One cache line, in the table of the span's region.
struct alignas(64) Span {
  // Fixed while the span exists.
  uint16_t first_cell;
  uint16_t block_count;
  uint8_t class_index;
  uint8_t shard;

  // Guarded by the mutex of the span's size class in its shard.
  uint8_t bin;
  uint16_t free_count;
  Span* next;
  Span* previous;
  std::array<uint64_t, kMaxBlocksPerSpan / 64> free_blocks;

  char* begin() const {
    const uintptr_t region = reinterpret_cast<uintptr_t>(this) & ~(kHugePageBytes - 1);
    return reinterpret_cast<char*>(region) + first_cell * kSpanCellBytes;
  }
};

struct SpanTable {
  SpanTable() {}  // Both are written span by span.

  // By cell: the number of the record of the span that covers it. Written by the taker of a new
  // span while no block stands there; read without a lock by whoever frees a block, and learnt
  // of it after it was allocated.
  std::array<uint8_t, kHugePageBytes / kSpanCellBytes> record_of_cell;
  std::array<Span, kSpanRecords> spans;
};

struct NoTable {};

using SpanPool = RegionPool<kSpanCellBytes, SpanTable>;
using BlockPool = RegionPool<256, NoTable>;
using ValuePool = RegionPool<64, NoTable>;
using WideValuePool = RegionPool<1024, NoTable, 16 * kHugePageBytes>;

extern template class RegionPool<kSpanCellBytes, SpanTable>;
extern template class RegionPool<256, NoTable>;
extern template class RegionPool<64, NoTable>;
extern template class RegionPool<1024, NoTable, 16 * kHugePageBytes>;

}  // namespace firn::internal

#endif  // FIRN_MVCC_REGION_POOL_H_
