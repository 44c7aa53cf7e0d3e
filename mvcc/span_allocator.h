// Memory for frozen blocks, fresh deltas, inner nodes and leaves.
#ifndef FIRN_MVCC_SPAN_ALLOCATOR_H_
#define FIRN_MVCC_SPAN_ALLOCATOR_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "mvcc/mutex.h"

namespace firn::internal {

// A SpanAllocator hands out the memory of one map and returns it to the OS when the map shrinks.
//
// Thread-safety: all methods may be called by any thread at any time.
// Lifetime: destruction unmaps everything; in invariant builds every block must be free by then.
// Errors: Allocate throws std::bad_alloc and leaves the allocator as it was.
//
//   region   2 MiB, 2 MiB-aligned, mapped from the OS: a header, then cells of 1 KiB
//   span     a run of cells of one region that holds blocks of one size class (16 to 32 KiB,
//            without a tail worth mentioning), or one single block of more than 16 KiB
//   block    what a caller gets; more than 256 KiB is a mapping of its own
//
// Leaves grow in lockstep, so whole size classes fill and then empty again. That is why spans are
// short (a frozen block of 8 KiB shares its span with one other): a short span empties soon, and
// its cells serve any other class. Blocks go to the fullest span of their class and spans to the
// first region with room, so that sparse spans and the last regions drain. A region that is
// wholly free is unmapped, except for one in reserve against oscillation at the boundary.
//
// A span is found from a block by masking its address down to the region header and looking up
// the cell there. That lookup takes no lock: the entry of a cell changes only while no block
// stands on it, and whoever frees a block learnt of it after it was allocated.
class SpanAllocator {
 public:
  SpanAllocator();
  ~SpanAllocator();
  SpanAllocator(const SpanAllocator&) = delete;
  SpanAllocator& operator=(const SpanAllocator&) = delete;

  struct Block {
    void* data;
    size_t bytes;  // All of it is the caller's: UsableSize() of what was asked.
  };
  // The block is aligned to 64 bytes.
  Block Allocate(size_t bytes);
  // Requires: `data` is from Allocate() of this allocator, and `bytes` is either what was asked
  // for or the usable size.
  void Free(void* data, size_t bytes);

  // Steps of 64 bytes up to 1 KiB, above that of 1/32 to 1/16 of the size.
  static size_t UsableSize(size_t bytes);

  // The sum of the usable sizes handed out. Exact when no other thread allocates or frees.
  size_t allocated_bytes() const;
  // Bytes committed by the OS, as far as we can know: pages that were handed out since they were
  // last given back.
  size_t reserved_bytes() const;

  // Gives every free page back now. Frozen huge pages with holes are broken up by this, so it
  // is for a map that has shrunk, not for one at work.
  void ReleaseFreeMemory();

 private:
  struct Region;
  struct Span;
  struct SpanList;

  static constexpr size_t kClassCount = 80;
  // Non-full spans are kept by how full they are, in this many steps.
  static constexpr size_t kFillBins = 8;

  // Padded to whole cache lines: neighbouring classes are busy at the same time.
  struct alignas(64) SizeClass {
    Mutex mutex;
    std::array<Span*, kFillBins> non_full ABSL_GUARDED_BY(mutex) = {};
    // Written under `mutex`; read by allocated_bytes() without it. relaxed: a statistic.
    std::atomic<size_t> block_count{0};
  };

  void* AllocateFromClass(size_t class_index);
  void FreeToClass(Span* span, void* data);
  void Link(SizeClass& size_class, Span* span) ABSL_EXCLUSIVE_LOCKS_REQUIRED(size_class.mutex);
  void Unlink(SizeClass& size_class, Span* span) ABSL_EXCLUSIVE_LOCKS_REQUIRED(size_class.mutex);

  // A new span of `cells` cells, from the first region that has room or from a new one.
  Span* TakeSpan(size_t cells) ABSL_LOCKS_EXCLUDED(regions_mutex_);
  Span* TakeSpanFrom(Region* region, size_t cells) ABSL_EXCLUSIVE_LOCKS_REQUIRED(regions_mutex_);
  void ReturnSpan(Span* span) ABSL_LOCKS_EXCLUDED(regions_mutex_);

  Region* MapRegion(bool huge_page);
  void UnmapRegion(Region* region);
  void AddRegion(Region* region) ABSL_EXCLUSIVE_LOCKS_REQUIRED(regions_mutex_);
  void RemoveRegion(Region* region) ABSL_EXCLUSIVE_LOCKS_REQUIRED(regions_mutex_);
  void SetLongestRun(Region* region, size_t cells) ABSL_EXCLUSIVE_LOCKS_REQUIRED(regions_mutex_);

  // Lock order: a class before the regions; never two classes.
  std::array<SizeClass, kClassCount> classes_;

  Mutex regions_mutex_;
  // By slot; null where a region was unmapped. Low slots are filled first.
  std::vector<Region*> regions_ ABSL_GUARDED_BY(regions_mutex_);
  // A tournament over the slots: node i holds the maximum of its children 2i and 2i + 1; the leaf
  // of slot s is node regions_.size() + s and holds an upper bound of the region's longest free
  // run. So the first region with room is found in log(regions) steps.
  std::vector<uint16_t> longest_run_ ABSL_GUARDED_BY(regions_mutex_);
  size_t region_count_ ABSL_GUARDED_BY(regions_mutex_) = 0;
  // The wholly free region that is kept, or null.
  Region* reserve_ ABSL_GUARDED_BY(regions_mutex_) = nullptr;

  // Statistics, relaxed: nobody derives anything about other memory from them.
  std::atomic<size_t> single_block_bytes_{0};  // Blocks that are a span or a mapping by themselves.
  std::atomic<size_t> reserved_bytes_{0};
};

}  // namespace firn::internal

#endif  // FIRN_MVCC_SPAN_ALLOCATOR_H_
