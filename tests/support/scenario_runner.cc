#include "tests/support/scenario_runner.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <set>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "tests/support/status_checks.h"
#include "tests/support/test_db.h"

namespace firn::test {
namespace {

// Reads "" and \xNN and x*40.
std::string Unquoted(std::string_view text) {
  if (text == "\"\"") return {};
  std::string bytes;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text.substr(i, 2) == "\\x" && i + 4 <= text.size()) {
      bytes += static_cast<char>(std::stoi(std::string(text.substr(i + 2, 2)), nullptr, 16));
      i += 3;
    } else if (text[i] == '*' && !bytes.empty()) {
      const size_t end = std::min(text.find_first_not_of("0123456789", i + 1), text.size());
      bytes.append(std::stoul(std::string(text.substr(i + 1, end - i - 1))) - 1, bytes.back());
      i = end - 1;
    } else {
      bytes += text[i];
    }
  }
  return bytes;
}

// What Unquoted() reads.
std::string Quoted(std::string_view bytes) {
  constexpr size_t kLongRun = 8;
  if (bytes.empty()) return "\"\"";
  std::string text;
  for (size_t i = 0; i < bytes.size();) {
    const auto byte = static_cast<unsigned char>(bytes[i]);
    if (byte > ' ' && byte < 127 && byte != '*' && byte != '\\') {
      text += bytes[i];
    } else {
      char escaped[8];
      std::snprintf(escaped, sizeof(escaped), "\\x%02x", byte);
      text += escaped;
    }
    const size_t run = std::min(bytes.find_first_not_of(bytes[i], i), bytes.size()) - i;
    if (run >= kLongRun) text += "*" + std::to_string(run);
    i += run >= kLongRun ? run : 1;
  }
  return text;
}

std::string Kind(const absl::Status& status) {
  return "!" + std::string(ErrorKindName(KindOf(status)));
}

std::string Ts(CommitTs ts) { return "@" + std::to_string(ts.value); }

KeyRange ParseRange(std::string_view text, std::string& lower, std::string& upper) {
  const size_t dots = text.find("..");
  if (dots == text.npos) throw std::runtime_error("a range looks like a..c, a.., ..c or ..");
  KeyRange range;
  if (dots > 0) range.lower = lower = Unquoted(text.substr(0, dots));
  if (dots + 2 < text.size()) range.upper = upper = Unquoted(text.substr(dots + 2));
  return range;
}

std::string Trimmed(const std::string& text) {
  const size_t begin = text.find_first_not_of(" \t");
  return begin == text.npos ? "" : text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

// Adds "put a=1", "del b" or "delrange c..e".
void AddOperation(WriteBatch& batch, const std::string& text) {
  std::istringstream words(text);
  std::string verb, what;
  words >> verb >> what;
  if (verb == "put") {
    const size_t equals = what.find('=');
    if (equals == what.npos) throw std::runtime_error("put what? " + text);
    batch.Put(Unquoted(what.substr(0, equals)), Unquoted(what.substr(equals + 1)));
  } else if (verb == "del") {
    batch.Delete(Unquoted(what));
  } else if (verb == "delrange") {
    std::string lower, upper;
    batch.DeleteRange(ParseRange(what, lower, upper));
  } else {
    throw std::runtime_error("no such operation: " + text);
  }
}

}  // namespace

// The words of a command, taken one by one; whatever is left over is a mistake.
class ScenarioRunner::Arguments {
 public:
  explicit Arguments(std::istringstream& words) {
    for (std::string word; words >> word;) words_.push_back(word);
  }

  // The value of the first word "name=value", unquoted.
  std::optional<std::string> Value(const std::string& name) {
    for (auto word = words_.begin(); word != words_.end(); ++word) {
      if (word->rfind(name + "=", 0) != 0) continue;
      std::string value = Unquoted(word->substr(name.size() + 1));
      words_.erase(word);
      return value;
    }
    return std::nullopt;
  }
  std::string Required(const std::string& name) {
    std::optional<std::string> value = Value(name);
    if (!value) throw std::runtime_error("it needs " + name + "=");
    return *std::move(value);
  }
  std::optional<uint64_t> Number(const std::string& name) {
    const std::optional<std::string> value = Value(name);
    return value ? std::optional<uint64_t>(std::stoull(*value)) : std::nullopt;
  }
  bool Flag(const std::string& name) {
    const auto word = std::find(words_.begin(), words_.end(), name);
    if (word == words_.end()) return false;
    words_.erase(word);
    return true;
  }
  WriteOptions TakeWriteOptions() {
    WriteOptions options;
    if (const auto ts = Number("ts")) options.commit_ts = CommitTs{*ts};
    return options;
  }
  Bounds TakeBounds() {
    Bounds bounds;
    bounds.lower = Value("lower");
    bounds.upper = Value("upper");
    bounds.prefix = Value("prefix");
    bounds.lower_inclusive = !Flag("lower-exclusive");
    bounds.upper_inclusive = Flag("upper-inclusive");
    bounds.keys_only = Flag("keys-only");
    return bounds;
  }
  std::vector<std::string> Rest() { return std::exchange(words_, {}); }
  void ExpectNoMore() const {
    if (!words_.empty()) throw std::runtime_error("what is " + words_.front() + "?");
  }

 private:
  std::vector<std::string> words_;
};

ScenarioRunner::ScenarioRunner() {
  firn::Options options = TinyOptions();
  options.clock = &clock_;
  db_ = OpenTestDb(options);
}

ScenarioRunner::~ScenarioRunner() = default;

std::string ScenarioRunner::Run(const std::string& line) {
  std::istringstream words(line);
  std::string command;
  words >> command;
  Arguments arguments(words);
  std::string answer;
  const auto ok_or_kind = [](const absl::Status& status) {
    return status.ok() ? "" : Kind(status);
  };
  if (command == "options") {
    answer = Options(arguments);
  } else if (command == "clock") {
    clock_.Set(std::stoull(arguments.Required("now")));
  } else if (command == "commit") {
    answer = Commit(arguments, line);
  } else if (command == "clear") {
    answer = ok_or_kind(db_->Clear(arguments.TakeWriteOptions()).status());
  } else if (command == "get") {
    answer = Get(arguments);
  } else if (command == "snapshot") {
    const std::string name = arguments.Required("name");
    Snapshot snapshot = db_->GetSnapshot(Labelled(name));
    answer = ok_or_kind(snapshot.status());
    snapshots_.insert_or_assign(name, std::move(snapshot));
  } else if (command == "clone") {
    Snapshot clone = NamedSnapshot(arguments.Required("snapshot")).Clone();
    snapshots_.insert_or_assign(arguments.Required("name"), std::move(clone));
  } else if (command == "release") {
    if (snapshots_.erase(arguments.Required("name")) == 0) throw std::runtime_error("no such name");
  } else if (command == "iterator") {
    const std::string name = arguments.Required("name");
    CheckingCursor cursor = OpenCursor(arguments);
    answer = ok_or_kind(cursor.status());
    cursors_.insert_or_assign(name, std::move(cursor));
  } else if (command == "clone-iterator") {
    CheckingCursor clone = cursors_.at(arguments.Required("name")).Clone();
    cursors_.insert_or_assign(arguments.Required("as"), std::move(clone));
  } else if (command == "close-iterator") {
    if (cursors_.erase(arguments.Required("name")) == 0) throw std::runtime_error("no such name");
  } else if (command == "iterate") {
    answer = Iterate(arguments);
  } else if (command == "scan") {
    answer = Scan(arguments);
  } else if (command == "settle") {
    answer = ok_or_kind(db_->Settle());
  } else if (command == "step") {
    const absl::StatusOr<bool> worked = db_->StepBackgroundWork();
    answer = !worked.ok() ? Kind(worked.status()) : *worked ? "worked" : "idle";
  } else if (command == "verify") {
    const absl::Status status = db_->VerifyInvariants();
    answer = status.ok() ? "sound" : status.ToString();
  } else if (command == "stats") {
    answer = Stats(arguments);
  } else if (command == "price") {
    answer = Price(arguments);
  } else if (command == "close") {
    answer = ok_or_kind(db_->Close());
  } else {
    answer = ConditionalVerb(command, arguments);
  }
  arguments.ExpectNoMore();
  return answer.empty() ? "" : answer + "\n";
}

std::string ScenarioRunner::Options(Arguments& arguments) {
  firn::Options options = TinyOptions();
  options.clock = &clock_;
  TuningOptions& tuning = options.tuning;
  tuning.block_bytes = arguments.Number("block_bytes").value_or(tuning.block_bytes);
  tuning.block_entries = arguments.Number("block_entries").value_or(tuning.block_entries);
  tuning.delta_slots = arguments.Number("delta_slots").value_or(tuning.delta_slots);
  tuning.inner_fanout = arguments.Number("inner_fanout").value_or(tuning.inner_fanout);
  tuning.large_value_bytes =
      arguments.Number("large_value_bytes").value_or(tuning.large_value_bytes);
  const std::string background = arguments.Value("background").value_or("manual");
  if (background == "inline") options.background = BackgroundMode::kInline;
  cursors_.clear();
  snapshots_.clear();
  db_ = OpenTestDb(options);
  return {};
}

std::string ScenarioRunner::Commit(Arguments& arguments, const std::string& line) {
  const WriteOptions options = arguments.TakeWriteOptions();
  arguments.Rest();  // Read from the whole line instead, where the commas are.
  std::string operations = line.substr(line.find("commit") + 6);
  if (const size_t ts = operations.find("ts="); options.commit_ts && ts != operations.npos) {
    operations.erase(ts, operations.find_first_of(" ", ts) - ts);
  }
  WriteBatch batch;
  std::istringstream parts(operations);
  for (std::string part; std::getline(parts, part, ',');) {
    if (!Trimmed(part).empty()) AddOperation(batch, Trimmed(part));
  }
  const absl::StatusOr<CommitTs> committed = db_->Write(batch, options);
  if (!committed.ok()) return Kind(committed.status());
  return options.commit_ts == *committed ? "" : Ts(*committed);
}

std::string ScenarioRunner::ConditionalVerb(const std::string& verb, Arguments& arguments) {
  const WriteOptions options = arguments.TakeWriteOptions();
  const std::string key = arguments.Required("key");
  const auto expected = [](const std::string& text) {
    return text == "none" ? std::nullopt : std::optional<std::string_view>(text);
  };
  const auto exchanged = [](const absl::StatusOr<ExchangeResult>& result) {
    if (!result.ok()) return Kind(result.status());
    return (result->old ? Quoted(*result->old) : "none") + " " + Ts(result->commit_ts);
  };
  const auto compared = [](const absl::StatusOr<std::optional<CommitTs>>& result) {
    if (!result.ok()) return Kind(result.status());
    return *result ? Ts(**result) : "refused";
  };
  if (verb == "swap") return exchanged(db_->Swap(key, arguments.Required("value"), options));
  if (verb == "load-and-delete") return exchanged(db_->LoadAndDelete(key, options));
  if (verb == "cas") {
    const std::string expect = arguments.Required("expect");
    const std::string value = arguments.Required("value");
    return compared(db_->CompareAndSwap(key, expected(expect), value, options));
  }
  if (verb == "cad") {
    const std::string expect = arguments.Required("expect");
    return compared(db_->CompareAndDelete(key, expected(expect), options));
  }
  if (verb == "load-or-store") {
    const std::string value = arguments.Required("value");
    const absl::StatusOr<LoadOrStoreResult> result = db_->LoadOrStore(key, value, options);
    if (!result.ok()) return Kind(result.status());
    return (result->loaded ? "loaded " : "stored ") + Quoted(result->value) + " " +
           Ts(result->commit_ts);
  }
  throw std::runtime_error("no such command: " + verb);
}

std::string ScenarioRunner::Get(Arguments& arguments) {
  const std::optional<std::string> name = arguments.Value("snapshot");
  std::string answer;
  for (const std::string& word : arguments.Rest()) {
    const std::string key = Unquoted(word);
    const absl::StatusOr<std::optional<std::string>> value =
        name ? NamedSnapshot(*name).Get(key) : db_->Get(key);
    if (!answer.empty()) answer += ' ';
    answer += Quoted(key) + "=";
    answer += !value.ok() ? Kind(value.status()) : *value ? Quoted(**value) : "-";
  }
  return answer;
}

CheckingCursor ScenarioRunner::OpenCursor(Arguments& arguments) {
  const std::optional<std::string> name = arguments.Value("snapshot");
  const std::optional<uint64_t> at = arguments.Number("at");
  const Bounds bounds = arguments.TakeBounds();
  if (name) return CheckingCursor(NamedSnapshot(*name).NewIterator(bounds.options()));
  if (!at) return CheckingCursor(db_->NewIterator(bounds.options()));
  for (const auto& [held_name, snapshot] : snapshots_) {
    if (snapshot.ts().value == *at) return CheckingCursor(snapshot.NewIterator(bounds.options()));
  }
  const Snapshot fresh = db_->GetSnapshot();
  if (fresh.ts().value != *at) throw std::runtime_error("no snapshot at that timestamp");
  return CheckingCursor(fresh.NewIterator(bounds.options()));
}

std::string ScenarioRunner::Moved(const CheckingCursor& cursor, bool with_ts) const {
  if (!cursor.status().ok()) return Kind(cursor.status());
  if (!cursor.Valid()) return "-";
  return Quoted(cursor.key()) + "=" + Quoted(cursor.value()) +
         (with_ts ? Ts(cursor.commit_ts()) : "");
}

std::string ScenarioRunner::Iterate(Arguments& arguments) {
  const std::optional<std::string> name = arguments.Value("name");
  const bool with_ts = arguments.Flag("with-ts");
  std::optional<CheckingCursor> own;
  if (!name) own.emplace(OpenCursor(arguments));
  CheckingCursor& cursor = name ? cursors_.at(*name) : *own;
  std::string answer;
  for (const std::string& word : arguments.Rest()) {
    const size_t equals = word.find('=');
    const std::string move = word.substr(0, equals);
    const std::string target = equals == word.npos ? "" : Unquoted(word.substr(equals + 1));
    std::string moved;
    if (move == "refresh") {
      const absl::Status refreshed = cursor.Refresh();
      if (!refreshed.ok()) moved = "refused" + Kind(refreshed) + " ";
    } else if (move == "read-ts") {
      const std::optional<CommitTs> ts = cursor.read_ts();
      answer += (answer.empty() ? "" : " ") + (ts ? Ts(*ts) : "@none");
      continue;
    } else if (move == "seek") {
      cursor.Seek(target);
    } else if (move == "seek-for-prev") {
      cursor.SeekForPrev(target);
    } else if (move == "first") {
      cursor.SeekToFirst();
    } else if (move == "last") {
      cursor.SeekToLast();
    } else if (move == "next") {
      cursor.Next();
    } else if (move == "prev") {
      cursor.Prev();
    } else {
      throw std::runtime_error("no such move: " + word);
    }
    answer += (answer.empty() ? "" : " ") + moved + Moved(cursor, with_ts);
  }
  return answer;
}

std::string ScenarioRunner::Scan(Arguments& arguments) {
  const bool with_ts = arguments.Flag("with-ts");
  CheckingCursor cursor = OpenCursor(arguments);
  std::vector<std::string> forward;
  for (cursor.SeekToFirst(); cursor.Valid(); cursor.Next()) {
    forward.push_back(Moved(cursor, with_ts));
  }
  if (!cursor.status().ok()) return Kind(cursor.status());
  std::vector<std::string> backward;
  for (cursor.SeekToLast(); cursor.Valid(); cursor.Prev()) {
    backward.push_back(Moved(cursor, with_ts));
  }
  std::reverse(backward.begin(), backward.end());
  const auto joined = [](const std::vector<std::string>& entries) {
    std::string text;
    for (const std::string& entry : entries) text += (text.empty() ? "" : " ") + entry;
    return text.empty() ? "nothing" : text;
  };
  if (forward == backward) return joined(forward);
  return "forward " + joined(forward) + " but backward " + joined(backward);
}

std::string ScenarioRunner::Stats(Arguments& arguments) {
  const absl::StatusOr<DbStats> stats = db_->Stats();
  if (!stats.ok()) {
    arguments.Rest();
    return Kind(stats.status());
  }
  const std::map<std::string, uint64_t> figures = {
      {"versions", stats->version_count},        {"keys", stats->key_count},
      {"logical-bytes", stats->logical_bytes},   {"fresh", stats->fresh_leaf_count},
      {"owing", stats->owing_leaf_count},        {"leaves", stats->leaf_count},
      {"snapshots", stats->live_snapshot_count}, {"large-bytes", stats->large_value_bytes},
      {"commits", stats->commit_count},
  };
  std::string answer;
  for (const std::string& name : arguments.Rest()) {
    if (!answer.empty()) answer += ' ';
    answer += name + "=" + std::to_string(figures.at(name));
  }
  return answer;
}

std::string ScenarioRunner::Price(Arguments& arguments) {
  const std::string label = arguments.Required("snapshot");
  for (const SnapshotInfo& info : ValueOf(db_->LiveSnapshots())) {
    if (info.label == label) {
      return "versions=" + std::to_string(info.price_versions) +
             (info.price_bytes > 0 ? " bytes>0" : " bytes=0");
    }
  }
  throw std::runtime_error("no live snapshot " + label);
}

const Snapshot& ScenarioRunner::NamedSnapshot(const std::string& name) const {
  const auto found = snapshots_.find(name);
  if (found == snapshots_.end()) throw std::runtime_error("no snapshot " + name);
  return found->second;
}

}  // namespace firn::test
