// `firn matrix --soak`: recorded histories instead of cells.
#ifndef FIRN_TOOLS_CLI_SOAK_H_
#define FIRN_TOOLS_CLI_SOAK_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "tools/cli/command.h"

namespace firn::tools {

struct SoakFlags {
  bool soak = false;
  bool on_disk = false;
  uint64_t operations = 10'000'000;
  size_t threads = 8;
};

// Adds them to the command `firn matrix`, after its flags of cells, beside which they mean nothing.
void AddSoakFlags(CLI::App& command, SoakFlags& flags);

// `directory`: where the Db of a run on disk is put; empty: where temporary files go.
int Soak(const Invocation& invocation, const SoakFlags& flags, uint64_t seed,
         const std::string& directory);

}  // namespace firn::tools

#endif  // FIRN_TOOLS_CLI_SOAK_H_
