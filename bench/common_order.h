// What it takes to have one order of commits, and nothing else.
#ifndef FIRN_BENCH_COMMON_ORDER_H_
#define FIRN_BENCH_COMMON_ORDER_H_

#include <atomic>
#include <cstdint>
#include <thread>

#include "mvcc/pause.h"

namespace firn::bench {

// A control for threads that share a Db: each draws the next number and returns once all up to it
// are visible, as the commits of one Db do. Threads with a Db each that take turns here share that
// order and no memory besides.
//
// Thread-safety: all methods from any thread.
class CommonOrder {
 public:
  void TakeTurn() {
    const uint64_t mine = drawn_.fetch_add(1, std::memory_order_relaxed);
    for (int tries = 1; visible_.load(std::memory_order_acquire) != mine; ++tries) {
      internal::Pause();
      if (tries % kTriesBetweenYields == 0) std::this_thread::yield();
    }
    visible_.store(mine + 1, std::memory_order_release);
  }

 private:
  static constexpr int kTriesBetweenYields = 1000;  // The other thread may not be running.

  // On cache lines of their own, as processors fetch lines in pairs.
  alignas(128) std::atomic<uint64_t> drawn_{0};
  alignas(128) std::atomic<uint64_t> visible_{0};
};

}  // namespace firn::bench

#endif  // FIRN_BENCH_COMMON_ORDER_H_
