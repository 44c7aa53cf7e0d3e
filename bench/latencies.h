// What single operations took, each of them.
#ifndef FIRN_BENCH_LATENCIES_H_
#define FIRN_BENCH_LATENCIES_H_

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace firn::bench {

// Thread-safety: one thread at a time.
class Latencies {
 public:
  using Clock = std::chrono::steady_clock;

  // Room for so many, touched: recording one must not fault a page in.
  explicit Latencies(size_t capacity) : ns_(capacity), capacity_(capacity) { ns_.clear(); }

  // Two time stamps around `work`. What no longer fits is done, but not recorded.
  template <class Work>
  void Time(Work&& work) {
    const Clock::time_point start = Clock::now();
    work();
    const std::chrono::nanoseconds took = Clock::now() - start;
    if (ns_.size() < capacity_) ns_.push_back(static_cast<uint32_t>(took.count()));
  }

  size_t size() const { return ns_.size(); }
  // Nanoseconds that a `fraction` of them did not exceed; of none: 0.
  double Quantile(double fraction) const {
    if (ns_.empty()) return 0;
    std::vector<uint32_t> sorted = ns_;
    const size_t at = static_cast<size_t>(fraction * static_cast<double>(sorted.size() - 1));
    std::nth_element(sorted.begin(), sorted.begin() + static_cast<ptrdiff_t>(at), sorted.end());
    return sorted[at];
  }

 private:
  std::vector<uint32_t> ns_;
  size_t capacity_;
};

}  // namespace firn::bench

#endif  // FIRN_BENCH_LATENCIES_H_
