// What a mistyped command line may have meant.
#ifndef FIRN_TOOLS_CLI_SUGGESTION_H_
#define FIRN_TOOLS_CLI_SUGGESTION_H_

#include <string>
#include <vector>

#include "CLI/CLI.hpp"

namespace firn::tools {

// The command or flag of `app` that is nearest to the first word which is none; empty if no word
// is wrong, or nothing is near.
std::string Suggestion(const CLI::App& app, int argc, char** argv);

// The one of `known` that `word` was most likely meant to be; empty if none is near.
std::string Nearest(const std::string& word, const std::vector<std::string>& known);

}  // namespace firn::tools

#endif  // FIRN_TOOLS_CLI_SUGGESTION_H_
