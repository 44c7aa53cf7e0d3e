#include "tests/crash/damaged_files.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <sstream>
#include <utility>

#include "firn/firn.h"
#include "gtest/gtest.h"
#include "tests/crash/child_process.h"
#include "tests/crash/seamed_opener.h"
#include "tests/support/random.h"

namespace firn::test {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void Die(const std::string& why) {
  std::fprintf(stderr, "%s\n", why.c_str());
  _exit(99);
}

template <class T>
T MustHave(absl::StatusOr<T> result) {
  if (!result.ok()) Die(result.status().ToString());
  return *std::move(result);
}

std::string Hex(const std::string& bytes) {
  std::ostringstream text;
  text << std::hex;
  for (const unsigned char byte : bytes) text << (byte >> 4) << (byte & 15);
  return text.str();
}

std::string Unhex(const std::string& text) {
  std::string bytes;
  for (size_t i = 0; i + 1 < text.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(text.substr(i, 2), nullptr, 16));
  }
  return bytes;
}

DiskHistory LiveAndDie(const std::string& path, uint64_t seed) {
  SeamedOpener opener({.boot_id = "boot 1"});
  Options options;
  options.store_opener = &opener;
  const std::unique_ptr<Db> db = MustHave(Db::Open(options, path));
  DiskHistory history;
  history.states[0] = {};
  Random random(seed);
  const auto key = [&] { return "key" + std::to_string(random.Below(200)); };
  const auto value = [&] {
    return std::string(random.Below(600), static_cast<char>('a' + random.Below(26)));
  };
  for (int i = 0; i < 400; ++i) {
    CommitTs ts;
    WriteOptions write;
    if (i < 300 && random.OneIn(10)) write.durability = Durability::kSync;
    switch (random.Below(6)) {
      case 0: {
        WriteBatch batch;
        for (uint64_t j = random.Below(20); j > 0; --j) {
          random.OneIn(4) ? batch.Delete(key()) : batch.Put(key(), value());
        }
        batch.Put(key(), value());
        ts = MustHave(db->Write(batch, write));
        break;
      }
      case 1: {
        std::string from = key(), to = key();
        if (from > to) std::swap(from, to);
        if (random.OneIn(3)) {
          ts = MustHave(db->DeleteRange({from, to}, write));
          break;
        }
        [[fallthrough]];
      }
      default:
        ts = MustHave(db->Put(key(), value(), write));
    }
    history.states[ts.value] = EntriesOf(*db);
    history.last_buffered = ts.value;
    if (write.durability) history.last_synced = ts.value;
    if (i == 100 || i == 200) {
      if (const absl::Status status = db->Flush(); !status.ok()) Die(status.ToString());
      history.last_synced = ts.value;
    }
  }
  const std::string text = history.Encode();
  WriteFile(path + ".history", text);
  _exit(0);
}

std::string Judge(const std::string& path, const DiskHistory& history, Boot boot) {
  SeamedOpener opener({.boot_id = boot == Boot::kSame ? "boot 1" : "boot 2"});
  Options options;
  options.store_opener = &opener;
  options.create_if_missing = true;  // A lost Db must not be taken for a new one.
  absl::StatusOr<std::unique_ptr<Db>> opened = Db::Open(options, path);
  if (!opened.ok()) return "refused " + opened.status().ToString();
  const Db& db = **opened;
  const uint64_t latest = db.LatestCommitTs().value;
  const uint64_t promised = boot == Boot::kSame ? history.last_buffered : history.last_synced;
  if (latest < promised) {
    return "wrong: opened at " + std::to_string(latest) + " though " + std::to_string(promised) +
           " was acknowledged";
  }
  const auto expected = history.states.find(latest);
  if (expected == history.states.end()) {
    return "wrong: opened at " + std::to_string(latest) + ", which is no commit";
  }
  if (EntriesOf(db) != expected->second) return "wrong: another state than that of the commit";
  const absl::StatusOr<CommitTs> put = opened.value()->Put("after", "1");
  if (put.ok()) return "opened";
  // What is not read at open can be found damaged behind our back, by a compaction.
  const bool found_later = absl::IsDataLoss(put.status());
  return (found_later ? "refused " : "wrong: cannot write: ") + put.status().ToString();
}

}  // namespace

DiskState EntriesOf(const Db& db) {
  DiskState state;
  Iterator it = db.NewIterator();
  for (it.SeekToFirst(); it.Valid(); it.Next()) {
    state[std::string(it.key())] = {std::string(it.value()), it.commit_ts().value};
  }
  return state;
}

std::string DiskHistory::Encode() const {
  std::ostringstream text;
  text << last_synced << ' ' << last_buffered << ' ' << states.size() << '\n';
  for (const auto& [ts, state] : states) {
    text << ts << ' ' << state.size() << '\n';
    for (const auto& [key, entry] : state) {
      text << Hex(key) << " x" << Hex(entry.first) << ' ' << entry.second << '\n';
    }
  }
  return text.str();
}

DiskHistory DiskHistory::Decode(const std::string& encoded) {
  std::istringstream text(encoded);
  DiskHistory history;
  size_t state_count = 0;
  text >> history.last_synced >> history.last_buffered >> state_count;
  for (size_t i = 0; i < state_count; ++i) {
    uint64_t ts = 0;
    size_t entry_count = 0;
    text >> ts >> entry_count;
    DiskState& state = history.states[ts];
    for (size_t j = 0; j < entry_count; ++j) {
      std::string key, value;
      uint64_t commit_ts = 0;
      text >> key >> value >> commit_ts;
      state[Unhex(key)] = {Unhex(value.substr(1)), commit_ts};
    }
  }
  return history;
}

DiskHistory BuildAndAbandon(const std::string& path, uint64_t seed) {
  ChildProcess builder([&](ChildProcess&) { LiveAndDie(path, seed); });
  const int status = builder.Wait();
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "status " << status;
  DiskHistory history = DiskHistory::Decode(ReadFile(path + ".history"));
  fs::remove(path + ".history");
  // Damage is to strike what was written, and a log that was not closed ends in zeros.
  const std::string log = NewestFile(path, ".log");
  fs::resize_file(log, LogContentBytes(ReadFile(log)));
  return history;
}

OpenVerdict OpenAndJudge(const std::string& path, const DiskHistory& history, Boot boot) {
  using Kind = OpenVerdict::Kind;
  const std::string text = InChild([&] { return Judge(path, history, boot); });
  if (text.starts_with("died: ")) return {Kind::kKilled, text};
  if (text == "opened") return {Kind::kOpened, text};
  if (text.starts_with("refused ")) return {Kind::kRefused, text};
  return {Kind::kWrong, text};
}

namespace {

constexpr uint64_t kHeader = 7;  // Checksum u32, length u16, type u8.

// Of the record whose header is at `at`.
uint64_t RecordBytes(const std::string& log, uint64_t at) {
  const auto byte = [&](uint64_t i) { return static_cast<uint8_t>(log[i]); };
  return kHeader + (byte(at + 4) | byte(at + 5) << 8);
}

}  // namespace

std::vector<uint64_t> LogRecordHeaders(const std::string& log) {
  constexpr uint64_t kBlock = 32768;
  std::vector<uint64_t> headers;
  uint64_t at = 0;
  while (at + kHeader <= log.size()) {
    if (kBlock - at % kBlock < kHeader) {
      at += kBlock - at % kBlock;
      continue;
    }
    const uint64_t bytes = RecordBytes(log, at);
    if (bytes == kHeader && log[at + 6] == 0) break;  // What was allocated and not written.
    headers.push_back(at);
    at += bytes;
  }
  return headers;
}

uint64_t LogContentBytes(const std::string& log) {
  const std::vector<uint64_t> headers = LogRecordHeaders(log);
  return headers.empty() ? 0 : headers.back() + RecordBytes(log, headers.back());
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void WriteFile(const std::string& path, const std::string& bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << bytes;
}

std::string NewestFile(const std::string& directory, const std::string& ending) {
  std::string newest;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory)) {
    if (entry.path().string().ends_with(ending)) newest = std::max(newest, entry.path().string());
  }
  return newest;
}

}  // namespace firn::test
