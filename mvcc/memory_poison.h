// Makes freed memory fail on touch: invariant builds overwrite it, AddressSanitizer forbids it.
#ifndef FIRN_MVCC_MEMORY_POISON_H_
#define FIRN_MVCC_MEMORY_POISON_H_

#include <cstddef>
#include <cstring>

#if defined(__SANITIZE_ADDRESS__)
#define FIRN_ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FIRN_ADDRESS_SANITIZER 1
#endif
#endif

#ifdef FIRN_ADDRESS_SANITIZER
#include <sanitizer/asan_interface.h>
#include <sanitizer/lsan_interface.h>
#endif

namespace firn::internal {

inline constexpr unsigned char kPoisonByte = 0xDB;

#ifdef FIRN_ADDRESS_SANITIZER
inline void ForbidAccess(void* data, size_t bytes) { ASAN_POISON_MEMORY_REGION(data, bytes); }
inline void AllowAccess(void* data, size_t bytes) { ASAN_UNPOISON_MEMORY_REGION(data, bytes); }
// The leak checker knows the heap but no mappings: it follows pointers only from roots.
inline void AddLeakRoot(void* data, size_t bytes) { __lsan_register_root_region(data, bytes); }
inline void RemoveLeakRoot(void* data, size_t bytes) { __lsan_unregister_root_region(data, bytes); }
#else
inline void ForbidAccess(void*, size_t) {}
inline void AllowAccess(void*, size_t) {}
inline void AddLeakRoot(void*, size_t) {}
inline void RemoveLeakRoot(void*, size_t) {}
#endif

// In invariant builds only. For memory that its owner has given up, before anybody else gets it.
inline void OverwriteFreed([[maybe_unused]] void* data, [[maybe_unused]] size_t bytes) {
#ifdef FIRN_INVARIANTS
  std::memset(data, kPoisonByte, bytes);
  asm volatile("" : : "r"(data) : "memory");  // Else the compiler drops it as a dead store.
#endif
}

inline void PoisonFreed(void* data, size_t bytes) {
  OverwriteFreed(data, bytes);
  ForbidAccess(data, bytes);
}

}  // namespace firn::internal

#endif  // FIRN_MVCC_MEMORY_POISON_H_
