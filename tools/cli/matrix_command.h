// The command `firn matrix`.
#ifndef FIRN_TOOLS_CLI_MATRIX_COMMAND_H_
#define FIRN_TOOLS_CLI_MATRIX_COMMAND_H_

#include <vector>

#include "tools/cli/command.h"
#include "tools/matrix/engine.h"

namespace firn::tools {

// `engines`, which live as long as the command, are those that can be named; a test adds its own.
void AddMatrixCommand(CLI::App& app, Invocation& invocation,
                      const std::vector<matrix::EngineEntry>& engines = matrix::Engines());

}  // namespace firn::tools

#endif  // FIRN_TOOLS_CLI_MATRIX_COMMAND_H_
