// Memory for frozen blocks, fresh deltas, inner nodes and leaves.
#ifndef FIRN_MVCC_SPAN_ALLOCATOR_H_
#define FIRN_MVCC_SPAN_ALLOCATOR_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "mvcc/mutex.h"
#include "mvcc/region_pool.h"

namespace firn::internal {

// A SpanAllocator hands out the memory of one map and returns it to the OS when the map shrinks.
//
// Thread-safety: all methods may be called by any thread at any time.
// Lifetime: destruction unmaps everything; in invariant builds every block must be free by then.
// Errors: Allocate throws std::bad_alloc and leaves the allocator as it was.
//
//   block         is                                         from
//   <= 512 bytes  one of many in a span of its size class    small_spans_
//   <= 4 KiB      one of many in a span of its size class    spans_
//   <= 256 KiB    a run of cells by itself                   blocks_
//   larger        a mapping by itself                        the OS
//
// A span is a run of 16 KiB (a little more where the tail would be wasted). Blocks go to the
// fullest span of their class, so that sparse spans empty, and serve any other class then.
//
// Why frozen blocks share no spans: leaves grow in lockstep, so whole classes fill and then empty
// again, in random order. With two blocks to a span, half of each span was left behind: 1.95 times
// the live bytes after nine of ten leaves had merged and free pages were released, 1.08 now; 1.61
// times while a class passed to the next, 1.28 now. A free run serves any size, and its pages can
// go back one by one.
//
// Threads take blocks from spans of their own; every kShards-th shares them. With one set for all, a
// lock and the lines behind it went from core to core with every third put of two writers, who take
// 0.93 of that time since. A block goes back to its span, whoever frees it.
//
// Free() finds a span by masking the address down to the region's header; no lock, no search.
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

  // Steps of 64 bytes up to 1 KiB, above that of at most 1/16 of the size.
  static size_t UsableSize(size_t bytes);

  // The sum of the usable sizes handed out. Exact when no other thread allocates or frees.
  size_t allocated_bytes() const;
  // Bytes that the OS has committed, as far as we can know: see RegionPool.
  size_t reserved_bytes() const;

  // Whether what a growing map will need next could be prepared, and to do that: see RegionPool.
  bool WantsMemory() const;
  void PrepareMemory();

  // Gives free pages back now. Breaks up the huge pages of which at least an eighth is free: for a
  // map that has shrunk or come to rest, not for one that is growing.
  void ReleaseFreeMemory();

  // How much of the frozen blocks lies on single pages, as they were copied into holes and memory was
  // given back around them: a scan of them takes up to half as long again.
  size_t scattered_block_bytes() { return blocks_.scattered_bytes(); }

  // False of few: these stay where they are, and an Evacuation changes nothing.
  bool may_move_blocks() { return blocks_.IsWorthEvacuating(); }
  // For who is about to rewrite most frozen blocks: the new ones go where no old ones are, so that
  // the memory of these is free as a whole in the end. One at a time.
  class Evacuation {
   public:
    explicit Evacuation(SpanAllocator& allocator)
        : blocks_(allocator.blocks_), is_on_(blocks_.BeginEvacuation()) {}
    ~Evacuation() { blocks_.EndEvacuation(); }
    Evacuation(const Evacuation&) = delete;
    Evacuation& operator=(const Evacuation&) = delete;

    // A small map needs none.
    bool is_on() const { return is_on_; }

   private:
    BlockPool& blocks_;
    const bool is_on_;
  };

 private:
  static constexpr size_t kClassCount = 48;
  // Sets of spans, one for every kShards-th thread. Each takes 6 KiB of a Db that holds nothing.
  static constexpr size_t kShards = 4;
  // Non-full spans are kept by how full they are, in this many steps.
  static constexpr size_t kFillBins = 8;

  // On cache lines of its own: neighbouring classes are busy at the same time.
  struct alignas(64) SizeClass {
    void AddBlocks(int count) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
      block_count.store(block_count.load(std::memory_order_relaxed) + static_cast<size_t>(count),
                        std::memory_order_relaxed);
    }

    Mutex mutex;
    std::array<Span*, kFillBins> non_full ABSL_GUARDED_BY(mutex) = {};
    // Writer: under `mutex`. Reader: allocated_bytes(), without. relaxed: a statistic.
    std::atomic<size_t> block_count{0};
  };

  using SizeClasses = std::array<SizeClass, kClassCount>;

  void* AllocateFromClass(size_t class_index);
  void FreeToClass(size_t class_index, void* data);
  Span* NewSpan(size_t shard, size_t class_index);
  void Link(SizeClass& size_class, Span* span) ABSL_EXCLUSIVE_LOCKS_REQUIRED(size_class.mutex);
  void Unlink(SizeClass& size_class, Span* span) ABSL_EXCLUSIVE_LOCKS_REQUIRED(size_class.mutex);
  SpanPool& PoolOf(size_t block_bytes);
  void* MapBlock(size_t bytes);
  void UnmapBlock(void* data, size_t bytes);

  // Lock order: a class before a pool; never two of a kind.
  std::array<SizeClasses, kShards> shards_;
  // What lives long is apart from what comes and goes: a few leaf objects strewn among deltas and
  // blocks would hold every region.
  SpanPool small_spans_;
  SpanPool spans_;
  BlockPool blocks_;

  // Statistics, relaxed: nobody derives anything about other memory from them.
  std::atomic<size_t> single_block_bytes_{0};  // Blocks that share no span.
  std::atomic<size_t> mapped_bytes_{0};        // Those of them that are mappings.
};

}  // namespace firn::internal

#endif  // FIRN_MVCC_SPAN_ALLOCATOR_H_
