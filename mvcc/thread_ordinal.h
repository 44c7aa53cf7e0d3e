// A small number for each live thread: it picks the thread's shard or home cache line.
#ifndef FIRN_MVCC_THREAD_ORDINAL_H_
#define FIRN_MVCC_THREAD_ORDINAL_H_

#include <cstdint>

namespace firn::internal {

// 1 + the calling thread's ordinal; 0 until it asked for one. initial-exec: one load, no call.
inline thread_local constinit uint32_t thread_ordinal_plus_one
    __attribute__((tls_model("initial-exec"))) = 0;

// Gives the calling thread its ordinal.
uint32_t AssignThreadOrdinal() noexcept;

// The smallest number that no other thread had when this one first asked; returned at
// thread exit. Only a hint: past 4,096 threads, and in the last moments of a thread's
// life, two may share one.
inline uint32_t ThreadOrdinal() noexcept {
  const uint32_t plus_one = thread_ordinal_plus_one;
  return plus_one != 0 ? plus_one - 1 : AssignThreadOrdinal();
}

// One past the largest ordinal given out so far.
uint32_t ThreadOrdinalLimit() noexcept;

}  // namespace firn::internal

#endif  // FIRN_MVCC_THREAD_ORDINAL_H_
