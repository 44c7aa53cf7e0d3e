// Memory for the large values of one map.
#ifndef FIRN_MVCC_LARGE_VALUE_HEAP_H_
#define FIRN_MVCC_LARGE_VALUE_HEAP_H_

#include <atomic>
#include <cstddef>

#include "mvcc/region_pool.h"

namespace firn::internal {

// A LargeValueHeap hands out memory for large values, one by one or in rows: side by side, so that
// whoever reads them in order reads memory from one end to the other.
//
// Thread-safety: all methods may be called by any thread at any time.
// Lifetime: outlives the values; in invariant builds all must be gone by then.
// Errors: the Allocate calls throw std::bad_alloc and leave the heap as it was.
//
//   value, header and all   is                 from
//   <= 16 KiB               a run of cells     regions of 2 MiB, also in rows
//   <= 4 MiB                a run of cells     regions of 32 MiB
//   larger                  a mapping          the OS
//
// All are on huge pages once they are many: memory from the process's heap comes by 4 KiB, and most
// of the time of a put of 1 MiB went into its 256 first touches.
//
// Why rows only of 16 KiB and less: what a value costs to read in a random place is the start, some
// 400 ns, until the processor knows that a stretch is being read. That is most of the time of
// 4 KiB, and a sixth of that of 64 KiB.
class LargeValueHeap {
 public:
  static constexpr size_t kMaxInRowBytes = size_t{16} << 10;
  static constexpr size_t kMaxRowBytes = ValuePool::kMaxRunBytes;
  static constexpr size_t kMaxPooledBytes = WideValuePool::kMaxRunBytes;

  LargeValueHeap() = default;
  ~LargeValueHeap();
  LargeValueHeap(const LargeValueHeap&) = delete;
  LargeValueHeap& operator=(const LargeValueHeap&) = delete;

  void* Allocate(size_t bytes);
  // For a row of values, whose UsableSize()s add up to `bytes`; at most kMaxRowBytes.
  void* AllocateRow(size_t bytes);
  // A value of the row begins here. Once for each, before it is freed.
  void BeginInRow(void* data);
  // `bytes` as asked for, each value of a row by itself.
  void Free(void* data, size_t bytes);

  // What the memory for `bytes` takes, the heap's own share too.
  static size_t UsableSize(size_t bytes);

  // Of what was handed out. Exact if nobody allocates or frees meanwhile.
  size_t allocated_bytes() const { return allocated_bytes_.load(std::memory_order_relaxed); }
  size_t value_count() const { return value_count_.load(std::memory_order_relaxed); }
  // What the system has committed for it, as far as we can know: see RegionPool.
  size_t reserved_bytes() const {
    return pool_.reserved_bytes() + wide_pool_.reserved_bytes() +
           mapped_bytes_.load(std::memory_order_relaxed);
  }
  // As that of the SpanAllocator.
  void ReleaseFreeMemory();

 private:
  // Throws std::bad_alloc.
  void* Map(size_t bytes);

  ValuePool pool_{ValuePool::Slack::kAsMuch};  // See LargeValueRows.
  WideValuePool wide_pool_;

  // Writer: whoever allocates or frees. Reader: statistics.
  // Order:  relaxed. Nobody derives the state of other memory from the figures, each single
  //         addition is exact all the same, and a sum read beside a writer is as old as any
  //         other answer to "how much is it now". They may be read at different moments.
  std::atomic<size_t> allocated_bytes_{0};
  std::atomic<size_t> mapped_bytes_{0};
  std::atomic<size_t> value_count_{0};
};

}  // namespace firn::internal

#endif  // FIRN_MVCC_LARGE_VALUE_HEAP_H_
