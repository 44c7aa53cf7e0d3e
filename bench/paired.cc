#include "bench/paired.h"

#include <cmath>
#include <utility>

#include "bench/check.h"

namespace firn::bench {
namespace {

// Of nothing to nothing: no difference.
double Ratio(double numerator, double denominator) {
  return numerator == denominator ? 1 : numerator / denominator;
}

}  // namespace

Quartiles QuartilesOf(std::vector<double> values) {
  if (values.empty()) return {};
  std::sort(values.begin(), values.end());
  const auto at = [&values](double fraction) {
    const double place = fraction * static_cast<double>(values.size() - 1);
    const size_t below = static_cast<size_t>(std::floor(place));
    const size_t above = static_cast<size_t>(std::ceil(place));
    return values[below] + (place - static_cast<double>(below)) * (values[above] - values[below]);
  };
  return {at(0.25), at(0.5), at(0.75)};
}

double Round::figure(std::string_view name) const {
  const auto found = figures_.find(name);
  if (found == figures_.end()) Fail("no figure named " + std::string(name));
  return found->second;
}

Rounds::Rounds(std::vector<Round> rounds, double max_disturbance)
    : rounds_(std::move(rounds)),
      disturbed_count_(std::count_if(rounds_.begin(), rounds_.end(), [&](const Round& round) {
        return round.disturbance() > max_disturbance;
      })) {}

std::vector<double> Rounds::Figures(std::string_view name) const {
  std::vector<double> figures;
  for (const Round& round : rounds_) figures.push_back(round.figure(name));
  return figures;
}

std::vector<double> Rounds::Ratios(std::string_view numerator, std::string_view denominator) const {
  std::vector<double> ratios;
  for (const Round& round : rounds_) {
    ratios.push_back(Ratio(round.figure(numerator), round.figure(denominator)));
  }
  return ratios;
}

std::vector<double> Rounds::SuccessiveRatios(std::string_view name) const {
  const std::vector<double> figures = Figures(name);
  std::vector<double> ratios;
  for (size_t i = 1; i < figures.size(); ++i) ratios.push_back(Ratio(figures[i], figures[i - 1]));
  return ratios;
}

Rounds RunRounds(const RoundPlan& plan, const std::function<void(Round&)>& body) {
  std::vector<Round> rounds;
  size_t undisturbed = 0;
  const size_t most = plan.round_count * plan.attempts_per_round;
  while (undisturbed < plan.round_count && rounds.size() < most) {
    Round& round = rounds.emplace_back();
    body(round);
    if (round.disturbance() <= plan.max_disturbance) ++undisturbed;
  }
  // In the order they ran in, but only the least disturbed.
  std::vector<double> disturbances;
  for (const Round& round : rounds) disturbances.push_back(round.disturbance());
  std::nth_element(disturbances.begin(), disturbances.begin() + (plan.round_count - 1),
                   disturbances.end());
  const double worst_kept = std::max(disturbances[plan.round_count - 1], plan.max_disturbance);
  std::vector<Round> kept;
  for (Round& round : rounds) {
    if (kept.size() < plan.round_count && round.disturbance() <= worst_kept) {
      kept.push_back(std::move(round));
    }
  }
  return Rounds(std::move(kept), plan.max_disturbance);
}

}  // namespace firn::bench
