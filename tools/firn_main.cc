// firn: looks into a Db on disk and changes it, from the command line; checks what snapshots show.
#include <csignal>
#include <cstdio>
#include <exception>
#include <string>

#include "CLI/CLI.hpp"
#include "absl/strings/str_cat.h"
#include "tools/cli/command.h"
#include "tools/cli/escape.h"
#include "tools/cli/matrix_command.h"
#include "tools/cli/suggestion.h"

namespace firn::tools {
namespace {

int WrongUsage(const CLI::App& app, const CLI::ParseError& error, int argc, char** argv) {
  std::string text = absl::StrCat("firn: ", Escaped(error.what()), "\n");
  const std::string meant = Suggestion(app, argc, argv);
  if (!meant.empty()) absl::StrAppend(&text, "Did you mean ", meant, "?\n");
  absl::StrAppend(&text, "`firn --help` lists the commands, `firn COMMAND --help` explains one.\n");
  std::fputs(text.c_str(), stderr);
  return kWrongUsage;
}

int Main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // Seen as an error of the write.
  CLI::App app("Looks into a Firn Db on disk and changes it; checks what snapshots show.");
  app.name("firn");
  app.footer(
      "Exit codes: 0 done, 1 the key is not there, 2 wrong usage, 3 I/O, damage, no Db, locked\n"
      "elsewhere or a cell of the matrix failed, 4 conflict, 130 interrupted.\n"
      "Example:\n  firn put data foo 1 && firn scan data");
  app.set_version_flag("--version", FIRN_VERSION_STRING);
  app.require_subcommand(1);
  Invocation invocation;
  AddLoadCommand(app, invocation);
  AddDumpCommand(app, invocation);
  AddGetCommand(app, invocation);
  AddPutCommand(app, invocation);
  AddDeleteCommand(app, invocation);
  AddScanCommand(app, invocation);
  AddStatsCommand(app, invocation);
  AddVerifyCommand(app, invocation);
  AddCompactCommand(app, invocation);
  AddMatrixCommand(app, invocation);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {  // --help, --version
    return app.exit(success);
  } catch (const CLI::ParseError& error) {
    return WrongUsage(app, error, argc, argv);
  }
  return invocation.run();
}

}  // namespace
}  // namespace firn::tools

int main(int argc, char** argv) {
  try {
    return firn::tools::Main(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "firn: %s\n", error.what());
    return firn::tools::kBroken;
  }
}
