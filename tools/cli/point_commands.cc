// get, put, delete: one key at a time.
#include <iostream>
#include <iterator>
#include <memory>
#include <string>

#include "tools/cli/command.h"

namespace firn::tools {
namespace {

struct PointFlags {
  std::string key;
  std::string value;
  bool raw = false;
  bool sync = false;
};

int PrintCommit(const Invocation& invocation, CommitTs ts) {
  if (invocation.json) Print(JsonLine(Json{{"commit_ts", ts.value}}));
  return FinishOutput(invocation, kDone);
}

WriteOptions OptionsOf(const PointFlags& flags) {
  WriteOptions options;
  if (flags.sync) options.durability = Durability::kSync;
  return options;
}

int Get(const Invocation& invocation, const PointFlags& flags) {
  const absl::StatusOr<std::string> key = BytesOf(invocation, flags.key);
  if (!key.ok()) return Fail(invocation, key.status());
  const absl::StatusOr<std::unique_ptr<Db>> db = OpenDb(invocation, Access::kRead);
  if (!db.ok()) return Fail(invocation, db.status());
  const absl::StatusOr<std::optional<std::string>> value = (*db)->Get(*key);
  if (!value.ok()) return Fail(invocation, value.status());
  if (!value->has_value()) return kNotFound;
  if (flags.raw) {
    Print(**value);
  } else if (invocation.json) {
    Json object;
    SetBytes(invocation, object, "key", *key);
    SetBytes(invocation, object, "value", **value);
    Print(JsonLine(object));
  } else {
    Print(Shown(invocation, **value) + "\n");
  }
  return FinishOutput(invocation, kDone);
}

int Put(const Invocation& invocation, const PointFlags& flags) {
  const absl::StatusOr<std::string> key = BytesOf(invocation, flags.key);
  if (!key.ok()) return Fail(invocation, key.status());
  absl::StatusOr<std::string> value;
  if (flags.value == "-") {
    value = std::string(std::istreambuf_iterator<char>(std::cin), {});
  } else {
    value = BytesOf(invocation, flags.value);
  }
  if (!value.ok()) return Fail(invocation, value.status());
  const absl::StatusOr<std::unique_ptr<Db>> db = OpenDb(invocation, Access::kCreate);
  if (!db.ok()) return Fail(invocation, db.status());
  const absl::StatusOr<CommitTs> committed = (*db)->Put(*key, *value, OptionsOf(flags));
  if (!committed.ok()) return Fail(invocation, committed.status());
  if (absl::Status status = (*db)->Close(); !status.ok()) return Fail(invocation, status);
  return PrintCommit(invocation, *committed);
}

int Delete(const Invocation& invocation, const PointFlags& flags) {
  const absl::StatusOr<std::string> key = BytesOf(invocation, flags.key);
  if (!key.ok()) return Fail(invocation, key.status());
  const absl::StatusOr<std::unique_ptr<Db>> db = OpenDb(invocation, Access::kWrite);
  if (!db.ok()) return Fail(invocation, db.status());
  const absl::StatusOr<bool> there = (*db)->Contains(*key);
  if (!there.ok()) return Fail(invocation, there.status());
  if (!*there) return kNotFound;
  const absl::StatusOr<CommitTs> committed = (*db)->Delete(*key, OptionsOf(flags));
  if (!committed.ok()) return Fail(invocation, committed.status());
  if (absl::Status status = (*db)->Close(); !status.ok()) return Fail(invocation, status);
  return PrintCommit(invocation, *committed);
}

}  // namespace

void AddGetCommand(CLI::App& app, Invocation& invocation) {
  const auto flags = std::make_shared<PointFlags>();
  CLI::App* command =
      AddCommand(app, invocation, "get", "Print the value of a key; exit with 1 if it has none",
                 "firn get data foo", [&invocation, flags] { return Get(invocation, *flags); });
  command->add_option("key", flags->key, "The key")->required();
  command->add_flag("--raw", flags->raw, "Print the value's bytes as they are, and nothing else");
}

void AddPutCommand(CLI::App& app, Invocation& invocation) {
  const auto flags = std::make_shared<PointFlags>();
  CLI::App* command =
      AddCommand(app, invocation, "put", "Give a key a value; makes the Db if need be",
                 "firn put data foo 1", [&invocation, flags] { return Put(invocation, *flags); });
  command->add_option("key", flags->key, "The key")->required();
  command->add_option("value", flags->value, "The value; - reads it from standard input, as it is")
      ->required();
  command->add_flag("--sync", flags->sync, "Return only once it survives a power cut");
}

void AddDeleteCommand(CLI::App& app, Invocation& invocation) {
  const auto flags = std::make_shared<PointFlags>();
  CLI::App* command = AddCommand(
      app, invocation, "delete", "Delete a key; exit with 1 if it was not there",
      "firn delete data foo", [&invocation, flags] { return Delete(invocation, *flags); });
  command->add_option("key", flags->key, "The key")->required();
  command->add_flag("--sync", flags->sync, "Return only once it survives a power cut");
}

}  // namespace firn::tools
