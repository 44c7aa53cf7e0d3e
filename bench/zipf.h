// Draws by Zipf's law: the entry of rank r is asked for in proportion to 1 / (r + 1)^theta.
#ifndef FIRN_BENCH_ZIPF_H_
#define FIRN_BENCH_ZIPF_H_

#include <cmath>
#include <cstddef>

namespace firn::bench {

// The generator of Gray, Sundaresan, Englert, Baclawski and Weinberger, "Quickly Generating
// Billion-Record Synthetic Databases" (SIGMOD 1994), which YCSB uses too. The two lowest ranks
// are drawn with their exact probability, the others by a power that comes close to it. Its zeta
// is that of the very number of entries; YCSB's scrambled generator has one for ten billion, and
// folds ranks onto entries by a hash. Here ranks are assigned by a permutation.
class ZipfRanks {
 public:
  // Requires: 0 < theta < 1, count >= 2.
  ZipfRanks(size_t count, double theta)
      : count_(static_cast<double>(count)),
        zeta_(Zeta(count, theta)),
        second_(1 + std::pow(0.5, theta)),
        exponent_(1 / (1 - theta)),
        eta_((1 - std::pow(2 / count_, 1 - theta)) / (1 - Zeta(2, theta) / zeta_)) {}

  // The rank, from 0 on, that belongs to `fraction`, which is at least 0 and below 1.
  size_t Draw(double fraction) const {
    const double place = fraction * zeta_;
    if (place < 1) return 0;
    if (place < second_) return 1;
    const double rank = count_ * std::pow(eta_ * fraction - eta_ + 1, exponent_);
    return static_cast<size_t>(std::fmin(rank, count_ - 1));
  }

 private:
  static double Zeta(size_t count, double theta) {
    double sum = 0;
    for (size_t i = count; i != 0; --i) sum += std::pow(static_cast<double>(i), -theta);
    return sum;
  }

  double count_;
  double zeta_;
  double second_;  // Where, on the scale of zeta_, rank 1 ends.
  double exponent_;
  double eta_;
};

}  // namespace firn::bench

#endif  // FIRN_BENCH_ZIPF_H_
