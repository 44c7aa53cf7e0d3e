#include "engine/process_fork.h"

#include <pthread.h>

#include <atomic>

namespace firn::internal {
namespace {

// Writer: the child's only thread, before fork() returns. Reader: any. relaxed: a thread of the
// child comes after its write.
std::atomic<uint64_t> fork_count{0};

[[maybe_unused]] const int registered =
    pthread_atfork(nullptr, nullptr, [] { fork_count.fetch_add(1, std::memory_order_relaxed); });

}  // namespace

uint64_t ForkCount() noexcept { return fork_count.load(std::memory_order_relaxed); }

}  // namespace firn::internal
