// All engines of a run side by side, loaded, so that they can take turns.
#ifndef FIRN_BENCH_BARS_FIELD_H_
#define FIRN_BENCH_BARS_FIELD_H_

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bench/bars/bars.h"
#include "bench/check.h"
#include "bench/engines.h"
#include "bench/paired.h"

namespace firn::bench {

// A Field is Firn, its peers, and Firn again, loaded on its own.
class Field {
 public:
  struct Member {
    EngineKind kind;
    std::string name;  // "firn again" for the last one.
    std::unique_ptr<LoadedEngine> engine;
  };
  enum class Who { kAll, kOrdered };

  Field(const BarContext& context, Who who);

  std::vector<Member>& members() { return members_; }

 private:
  std::vector<Member> members_;
};

// The kinds of a Field in its order, with the names that their figures go by.
struct NamedKind {
  std::string name;
  EngineKind kind;
};
std::vector<NamedKind> NamedKinds(const BarContext& context);
// Without those that only read.
std::vector<NamedKind> WritableKinds(const BarContext& context);

// Of NamedKinds, or of a Field's members.
template <class Named>
std::vector<std::string> NamesOf(const std::vector<Named>& named) {
  std::vector<std::string> names;
  for (const Named& each : named) names.push_back(each.name);
  return names;
}

// Nanoseconds per entry of a `pass` over `entries`, checked each time. A pass runs again until
// there is enough to tell a foreign load from.
template <class Pass>
double CheckedNsPerEntry(size_t entries, const Checksum& expected, std::string_view who,
                         Pass pass) {
  const double seconds =
      MeanSecondsPerPass(IsSmokeRun() ? 0 : 0.2, [&] { CheckEqual(pass(), expected, who); });
  return seconds * 1e9 / static_cast<double>(entries);
}

inline Checksum Both(const Checksum& a, const Checksum& b) {
  return {a.words ^ b.words, a.count + b.count};
}

}  // namespace firn::bench

#endif  // FIRN_BENCH_BARS_FIELD_H_
