#include "bench/bars/field.h"

#include <utility>

namespace firn::bench {

std::vector<NamedKind> NamedKinds(const BarContext& context) {
  const EngineKind firn = FirnKind();
  std::vector<NamedKind> kinds = {{firn.name, firn}};
  for (const EngineKind& peer : context.peers) kinds.push_back({peer.name, peer});
  kinds.push_back({firn.name + " again", firn});
  return kinds;
}

std::vector<NamedKind> WritableKinds(const BarContext& context) {
  std::vector<NamedKind> kinds = NamedKinds(context);
  std::erase_if(kinds, [](const NamedKind& named) { return named.kind.make == nullptr; });
  return kinds;
}

Field::Field(const BarContext& context, Who who) {
  for (NamedKind& named : NamedKinds(context)) {
    if (who == Who::kOrdered && !named.kind.is_ordered) continue;
    std::unique_ptr<LoadedEngine> engine = named.kind.load(context.workload);
    members_.push_back({std::move(named.kind), std::move(named.name), std::move(engine)});
  }
}

}  // namespace firn::bench
