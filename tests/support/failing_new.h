// Replaces the global operator new by one that can be told to fail. Included by the one
// source of a test binary.
#ifndef FIRN_TESTS_SUPPORT_FAILING_NEW_H_
#define FIRN_TESTS_SUPPORT_FAILING_NEW_H_

#include <cstddef>
#include <cstdlib>
#include <new>

namespace firn::test {

// Which of this thread's allocations fail.
struct AllocationPlan {
  int left = -1;  // So many may still succeed; negative: all of them.
  bool only_one_fails = false;
  int failures = 0;
};
inline thread_local AllocationPlan allocation_plan;

// While one lives, this thread's allocations fail after the first `succeeding` ones.
class FailingAllocations {
 public:
  enum class Then { kAllFail, kOneFails };

  explicit FailingAllocations(int succeeding, Then then = Then::kAllFail) {
    allocation_plan = {succeeding, then == Then::kOneFails, 0};
  }
  ~FailingAllocations() { allocation_plan.left = -1; }
  FailingAllocations(const FailingAllocations&) = delete;
  FailingAllocations& operator=(const FailingAllocations&) = delete;

  // Also of the latest one that has ended.
  static int failures() { return allocation_plan.failures; }
};

// Whether the calling thread's next allocation is to fail; counts it.
inline bool AllocationFails() {
  AllocationPlan& plan = allocation_plan;
  if (plan.left < 0) return false;
  if (plan.left > 0) {
    --plan.left;
    return false;
  }
  ++plan.failures;
  if (plan.only_one_fails) plan.left = -1;
  return true;
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
[[gnu::noinline]] void* operator new(size_t size, std::align_val_t alignment) {
  const auto align = static_cast<size_t>(alignment);
  const size_t whole = (size + align - 1) / align * align;
  void* memory = firn::test::AllocationFails() ? nullptr : std::aligned_alloc(align, whole);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
[[gnu::noinline]] void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, size_t, std::align_val_t) noexcept {
  std::free(memory);
}

#endif  // FIRN_TESTS_SUPPORT_FAILING_NEW_H_
