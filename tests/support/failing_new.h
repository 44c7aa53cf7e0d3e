// Replaces the global operator new by one that can be told to fail. Included by the one
// source of a test binary.
#ifndef FIRN_TESTS_SUPPORT_FAILING_NEW_H_
#define FIRN_TESTS_SUPPORT_FAILING_NEW_H_

#include <cstddef>
#include <cstdlib>
#include <new>

namespace firn::test {

// Allocations of this thread that may still succeed; negative: all of them.
inline thread_local int allocations_left = -1;

// While one lives, this thread's allocations fail after the first `succeeding` ones.
class FailingAllocations {
 public:
  explicit FailingAllocations(int succeeding) { allocations_left = succeeding; }
  ~FailingAllocations() { allocations_left = -1; }
  FailingAllocations(const FailingAllocations&) = delete;
  FailingAllocations& operator=(const FailingAllocations&) = delete;
};

// Whether the calling thread's next allocation is to fail; counts it if not.
inline bool AllocationFails() {
  if (allocations_left < 0) return false;
  if (allocations_left == 0) return true;
  --allocations_left;
  return false;
}

}  // namespace firn::test

// Out of line: where GCC sees both ends it takes free() for a mismatch.
[[gnu::noinline]] void* operator new(size_t size) {
  void* memory = firn::test::AllocationFails() ? nullptr : std::malloc(size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
[[gnu::noinline]] void* operator new(size_t size, const std::nothrow_t&) noexcept {
  return firn::test::AllocationFails() ? nullptr : std::malloc(size);
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, size_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, const std::nothrow_t&) noexcept {
  std::free(memory);
}

#endif  // FIRN_TESTS_SUPPORT_FAILING_NEW_H_
