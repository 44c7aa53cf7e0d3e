// What the commands of `firn` share.
#ifndef FIRN_TOOLS_CLI_COMMAND_H_
#define FIRN_TOOLS_CLI_COMMAND_H_

#include <cstdio>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "firn/firn.h"
#include "tools/cli/interrupt.h"
#include "tools/cli/json_line.h"

namespace firn::tools {

// Exit codes of all of Firn's programs.
inline constexpr int kDone = 0;
inline constexpr int kNotFound = 1;  // The key is not there.
inline constexpr int kWrongUsage = 2;
inline constexpr int kBroken = 3;  // I/O, damage, no Db, locked elsewhere; a check that failed.
inline constexpr int kConflict = 4;
inline constexpr int kInterrupted = 130;

// What a command line asked for. `run` is set by the command that was named.
struct Invocation {
  bool json = false;
  bool hex = false;
  std::string directory;
  std::function<int()> run;
};

// Adds a command with its help, an example in it, and the flags that all have. `run` is called
// after the command line was found right; the options it looks at live as long as it.
CLI::App* AddCommandWithoutDb(CLI::App& app, Invocation& invocation, const std::string& name,
                              const std::string& help, const std::string& example,
                              std::function<int()> run);
// The same for one that works on a Db: its directory, and how keys and values are written.
CLI::App* AddCommand(CLI::App& app, Invocation& invocation, const std::string& name,
                     const std::string& help, const std::string& example, std::function<int()> run);

void AddGetCommand(CLI::App& app, Invocation& invocation);
void AddPutCommand(CLI::App& app, Invocation& invocation);
void AddDeleteCommand(CLI::App& app, Invocation& invocation);
void AddScanCommand(CLI::App& app, Invocation& invocation);
void AddStatsCommand(CLI::App& app, Invocation& invocation);
void AddVerifyCommand(CLI::App& app, Invocation& invocation);
void AddCompactCommand(CLI::App& app, Invocation& invocation);
void AddLoadCommand(CLI::App& app, Invocation& invocation);
void AddDumpCommand(CLI::App& app, Invocation& invocation);

enum class Access { kRead, kWrite, kCreate };
// Opens the Db of the command line, with progress on a terminal.
absl::StatusOr<std::unique_ptr<Db>> OpenDb(const Invocation& invocation, Access access);

// Says on stderr what went wrong, and returns the exit code for it.
int Fail(const Invocation& invocation, const absl::Status& status);

// A key or value of the command line; with --hex it is given in hexadecimal digits.
absl::StatusOr<std::string> BytesOf(const Invocation& invocation, std::string_view argument);
// Bytes as they are shown: escaped, or in hexadecimal digits with --hex.
std::string Shown(const Invocation& invocation, std::string_view bytes);
// Sets object[name], or object[name + "_hex"] with --hex: see json_line.h.
void SetBytes(const Invocation& invocation, Json& object, const std::string& name,
              std::string_view bytes);

// Writes to standard output; the first failure is kept.
void Print(std::string_view text);
// True once nobody reads standard output any more: there is no use in going on.
bool OutputClosed();
// The exit code after everything was printed: `code`, unless that failed. A reader that went
// away (`| head`) is no failure.
int FinishOutput(const Invocation& invocation, int code);

}  // namespace firn::tools

#endif  // FIRN_TOOLS_CLI_COMMAND_H_
