// Rounds in which all engines take turns, and ratios that compare within a round.
//
// A machine drifts: its clock, its neighbours, its caches. Engines measured one after the
// other are compared across that drift. Here every round runs A B C once and gives one
// ratio A/B; what is reported is the median of those ratios. The first engine runs again
// at the end of each round: the spread of its ratio with itself is what the machine's
// noise alone makes of "no difference".
#ifndef FIRN_BENCH_PAIRED_H_
#define FIRN_BENCH_PAIRED_H_

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bench/foreign_load.h"

namespace firn::bench {

struct Quartiles {
  double q1 = 0;
  double median = 0;
  double q3 = 0;
};
// Interpolated; of no values: zeros.
Quartiles QuartilesOf(std::vector<double> values);

// One round: a figure for each engine.
class Round {
 public:
  // Notes the figure that `work` answers, and what others did to the machine meanwhile.
  template <class Work>
  void Measure(std::string_view name, Work&& work) {
    Watch([&] { Note(name, work()); });
  }
  // Notes only what others did to the machine during `work`.
  template <class Work>
  void Watch(Work&& work) {
    const ForeignLoad load;
    work();
    disturbance_ = std::max(disturbance_, load.CoresBusy());
  }
  void Note(std::string_view name, double figure) { figures_[std::string(name)] = figure; }

  double figure(std::string_view name) const;
  bool has(std::string_view name) const { return figures_.contains(name); }
  // Foreign load of the worst measurement, in cores.
  double disturbance() const { return disturbance_; }

 private:
  std::map<std::string, double, std::less<>> figures_;
  double disturbance_ = 0;
};

// The rounds of one comparison.
class Rounds {
 public:
  Rounds(std::vector<Round> rounds, double max_disturbance);

  std::vector<double> Figures(std::string_view name) const;
  // One ratio per round.
  std::vector<double> Ratios(std::string_view numerator, std::string_view denominator) const;
  // One ratio per pair of neighbouring rounds: a figure against itself.
  std::vector<double> SuccessiveRatios(std::string_view name) const;

  size_t count() const { return rounds_.size(); }
  // Whether there is such a figure: not every engine was built, or can do everything.
  bool Has(std::string_view name) const { return rounds_.front().has(name); }
  // Rounds kept although others used more of the machine than is allowed.
  size_t disturbed_count() const { return disturbed_count_; }

 private:
  std::vector<Round> rounds_;
  size_t disturbed_count_;
};

struct RoundPlan {
  size_t round_count = 5;
  double max_disturbance = 0.1;   // Cores that others may use while something is measured.
  size_t attempts_per_round = 3;  // Then the least disturbed rounds have to do.
};

// Runs `body` until there are enough undisturbed rounds or the attempts are used up.
Rounds RunRounds(const RoundPlan& plan, const std::function<void(Round&)>& body);

// Seconds that `work` takes.
template <class Work>
double SecondsOf(Work&& work) {
  const auto started = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
}

// Seconds that one `pass` takes on average, over passes that together last `at_least`; over one
// at any rate. Before passes shorter than four times that one goes unmeasured: on a virtual machine
// the first touch of memory that lay idle while others were measured can cost a scan several times
// its own time.
template <class Pass>
double MeanSecondsPerPass(double at_least, Pass&& pass) {
  double total = SecondsOf(pass);
  if (total >= 4 * at_least) return total;
  total = 0;
  size_t passes = 0;
  do {
    total += SecondsOf(pass);
    ++passes;
  } while (total < at_least);
  return total / static_cast<double>(passes);
}

// The same for passes so short that one interruption would spoil a mean.
template <class Pass>
double MedianSecondsPerPass(double at_least, Pass&& pass) {
  double total = 0;
  std::vector<double> seconds;
  do {
    total += seconds.emplace_back(SecondsOf(pass));
  } while (total < at_least);
  return QuartilesOf(std::move(seconds)).median;
}

}  // namespace firn::bench

#endif  // FIRN_BENCH_PAIRED_H_
