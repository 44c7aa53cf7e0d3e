#include "tools/cli/command.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tools/cli/escape.h"
#include "tools/terminal.h"

namespace firn::tools {
namespace {

// The error number of the first failed write to standard output; 0: none.
int output_error = 0;

class LoadLine final : public Listener {
 public:
  void Begin() { line_.Begin("open", ProgressUnit::kBytes); }
  void End() { line_.End(); }
  void OnLoadProgress(const LoadProgress& progress) override {
    line_.Show(progress.bytes, progress.expected_bytes);
  }

 private:
  ProgressLine line_;
};

int CodeOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
      return kWrongUsage;
    case absl::StatusCode::kAborted:
      return kConflict;
    case absl::StatusCode::kCancelled:
      return kInterrupted;
    default:
      return kBroken;
  }
}

}  // namespace

CLI::App* AddCommandWithoutDb(CLI::App& app, Invocation& invocation, const std::string& name,
                              const std::string& help, const std::string& example,
                              std::function<int()> run) {
  CLI::App* command = app.add_subcommand(name, help);
  command->footer("Example:\n  " + example);
  command->add_flag("--json", invocation.json, "Print JSON, one object a line");
  command->callback([&invocation, run = std::move(run)] { invocation.run = run; });
  return command;
}

CLI::App* AddCommand(CLI::App& app, Invocation& invocation, const std::string& name,
                     const std::string& help, const std::string& example,
                     std::function<int()> run) {
  CLI::App* command = AddCommandWithoutDb(app, invocation, name, help, example, std::move(run));
  command->add_option("db", invocation.directory, "Directory of the Db")->required();
  command->add_flag("--hex", invocation.hex, "Keys and values in hexadecimal digits, in and out");
  return command;
}

absl::StatusOr<std::unique_ptr<Db>> OpenDb(const Invocation& invocation, Access access) {
  static LoadLine progress;  // The Db keeps its listener.
  progress.Begin();
  Options options;
  options.create_if_missing = access == Access::kCreate;
  options.read_only = access == Access::kRead;
  options.listener = &progress;
  absl::StatusOr<std::unique_ptr<Db>> db = Db::Open(options, invocation.directory);
  progress.End();
  return db;
}

int Fail(const Invocation& invocation, const absl::Status& status) {
  const std::string message = Escaped(std::string(status.message()));
  if (invocation.json) {
    const Json error = {{"error",
                         {{"code", absl::StatusCodeToString(status.code())},
                          {"kind", ErrorKindName(KindOf(status))},
                          {"message", message}}}};
    std::fputs(JsonLine(error).c_str(), stderr);
  } else {
    std::fprintf(stderr, "firn: %s\n", message.c_str());
  }
  return CodeOf(status);
}

absl::StatusOr<std::string> BytesOf(const Invocation& invocation, std::string_view argument) {
  if (!invocation.hex) return std::string(argument);
  std::optional<std::string> bytes = FromHex(argument);
  if (bytes) return *std::move(bytes);
  return absl::InvalidArgumentError(
      absl::StrCat("with --hex, ", Escaped(argument),
                   " must be hexadecimal digits, two for each byte, such as 66697266"));
}

std::string Shown(const Invocation& invocation, std::string_view bytes) {
  return invocation.hex ? ToHex(bytes) : Escaped(bytes);
}

void SetBytes(const Invocation& invocation, Json& object, const std::string& name,
              std::string_view bytes) {
  SetBytes(object, name, bytes, invocation.hex);
}

void Print(std::string_view text) {
  if (output_error != 0) return;
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) output_error = errno;
}

bool OutputClosed() { return output_error != 0; }

int FinishOutput(const Invocation& invocation, int code) {
  if (output_error == 0 && std::fflush(stdout) != 0) output_error = errno;
  if (output_error == 0 || output_error == EPIPE) return code;
  return Fail(invocation, absl::UnavailableError(absl::StrCat("cannot write to standard output: ",
                                                              std::strerror(output_error))));
}

}  // namespace firn::tools
