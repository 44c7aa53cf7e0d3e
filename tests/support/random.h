// Random numbers that can be had again: everything random in a test starts from one seed.
#ifndef FIRN_TESTS_SUPPORT_RANDOM_H_
#define FIRN_TESTS_SUPPORT_RANDOM_H_

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>

#include "tests/support/choices.h"

namespace firn::test {

// A small, fast generator whose sequence is the same on every machine.
// Thread-safety: one thread at a time.
class Random final : public Choices {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  // splitmix64: good from any seed, 0 included.
  uint64_t Next() {
    state_ += 0x9E3779B97F4A7C15u;
    uint64_t mixed = state_;
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9u;
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBu;
    return mixed ^ (mixed >> 31);
  }
  // Evenly.
  uint64_t Below(uint64_t count) override { return Next() % count; }

 private:
  uint64_t state_;
};

// The number in the environment variable `name`, or `fallback`.
inline uint64_t NumberFromEnv(const char* name, uint64_t fallback) {
  const char* text = std::getenv(name);
  return text == nullptr || *text == '\0' ? fallback : std::strtoull(text, nullptr, 10);
}

// A seed that differs from run to run, printed so that FIRN_SEED can bring it back.
inline uint64_t PrintedSeed() {
  const uint64_t seed = NumberFromEnv("FIRN_SEED", std::random_device{}());
  std::printf("seed %llu; FIRN_SEED=%llu repeats it\n", static_cast<unsigned long long>(seed),
              static_cast<unsigned long long>(seed));
  return seed;
}

}  // namespace firn::test

#endif  // FIRN_TESTS_SUPPORT_RANDOM_H_
