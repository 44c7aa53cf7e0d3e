// The options under which one list of operations must have one outcome.
#ifndef FIRN_TESTS_METAMORPHIC_OPTION_SETS_H_
#define FIRN_TESTS_METAMORPHIC_OPTION_SETS_H_

#include <cstdint>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "firn/options.h"
#include "tests/support/db_player.h"

namespace firn::test {

// What a Reopen does to the process and the machine before the Db is opened again.
enum class Ending {
  kNone,      // The Db stays open.
  kClose,     // It is closed.
  kKill,      // The process dies.
  kPowerCut,  // The power goes: what was synced stays.
};

struct OptionSet {
  std::string name;  // As GoogleTest names a parameter.
  Options options;   // Durability::kMemory: it lives in memory.
  Ending ending = Ending::kNone;
};

// As GoogleTest shows it.
inline void PrintTo(const OptionSet& set, std::ostream* out) { *out << set.name; }

// Leaves and deltas from tiny to large; settling inline, by a thread and not at all; every
// durability, with every ending.
std::vector<OptionSet> AllOptionSets();

// A new Db's home; `seed` decides what a power cut takes.
std::unique_ptr<DbHome> MakeHome(const OptionSet& set, uint64_t seed);

}  // namespace firn::test

#endif  // FIRN_TESTS_METAMORPHIC_OPTION_SETS_H_
