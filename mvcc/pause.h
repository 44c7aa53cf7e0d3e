// A pause within a loop that waits for another thread.
#ifndef FIRN_MVCC_PAUSE_H_
#define FIRN_MVCC_PAUSE_H_

namespace firn::internal {

// Lets the processor rest for a moment: some 40 to 140 cycles, by its kind.
inline void Pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace firn::internal

#endif  // FIRN_MVCC_PAUSE_H_
