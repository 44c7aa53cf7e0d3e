#include "tools/killed_writer.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <memory>
#include <optional>
#include <random>
#include <thread>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "firn/firn.h"
#include "tools/stopwatch.h"

extern char** environ;

namespace firn::tools {
namespace {

// Sorts behind every package name.
constexpr char kPrefix[] = "~upload/";
constexpr uint64_t kBatchEntries = 100;
constexpr uint64_t kCommitsBeforeDeath = 300;
// So many more microseconds the writer lives, at most.
constexpr int kMostGraceUs = 5'000;

// What the writer reports of each commit.
struct Acknowledgement {
  uint64_t batch;
  uint64_t commit_ts;
};

std::string KeyOf(uint64_t batch, uint64_t entry) {
  return absl::StrFormat("%s%08d/%02d", kPrefix, batch, entry);
}
std::string ValueOf(uint64_t batch, uint64_t entry) {
  return absl::StrCat("entry ", entry, " of batch ", batch);
}

absl::Status SystemError(const std::string& doing) {
  return absl::UnavailableError(absl::StrCat("cannot ", doing, ": ", std::strerror(errno)));
}

// Starts `command` with its standard output in a pipe.
absl::Status Start(const std::vector<std::string>& command, pid_t* child, int* output) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return SystemError("make a pipe");
  std::vector<char*> arguments;
  for (const std::string& each : command) arguments.push_back(const_cast<char*>(each.c_str()));
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  const int error = posix_spawn(child, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  if (error != 0) {
    close(ends[0]);
    errno = error;
    return SystemError("start " + command.front());
  }
  *output = ends[0];
  return absl::OkStatus();
}

// False at the end of the pipe.
bool ReadOne(int fd, Acknowledgement* acknowledgement) {
  ssize_t size;
  do {
    // So little is written and read as a whole.
    size = read(fd, acknowledgement, sizeof(*acknowledgement));
  } while (size < 0 && errno == EINTR);
  return size == static_cast<ssize_t>(sizeof(*acknowledgement));
}

// Compares the Db with what stood there before and with what the writer reported.
class Comparison {
 public:
  Comparison(const PackageMap& before, const std::vector<Acknowledgement>& acknowledged)
      : before_(before), acknowledged_(acknowledged) {}

  // What is wrong, or nothing.
  std::string Compare(const Db& db, KilledWriterReport& report) {
    Iterator it = db.NewIterator();
    it.SeekToFirst();
    for (const auto& [name, value] : before_) {
      if (!it.Valid() || it.key() != name || it.value() != value) {
        return absl::StrCat("package ", name, " of before is not as it was");
      }
      it.Next();
    }
    uint64_t last_ts = 0;
    uint64_t batch = 0;
    for (; it.Valid(); ++batch) {
      const uint64_t ts = it.commit_ts().value;
      for (uint64_t entry = 0; entry < kBatchEntries; ++entry, it.Next()) {
        if (!it.Valid() || it.key() != KeyOf(batch, entry) || it.value() != ValueOf(batch, entry) ||
            it.commit_ts().value != ts) {
          return absl::StrCat("batch ", batch, " is there in part");
        }
      }
      if (batch < acknowledged_.size() && acknowledged_[batch].commit_ts != ts) {
        return absl::StrCat("batch ", batch, " has another timestamp than was reported");
      }
      if (ts <= last_ts) return absl::StrCat("batch ", batch, " is out of order");
      last_ts = ts;
    }
    if (!it.status().ok()) return std::string(it.status().message());
    report.recovered_commits = batch;
    if (batch < acknowledged_.size()) {
      return absl::StrCat("of ", acknowledged_.size(), " acknowledged commits only ", batch,
                          " are there");
    }
    if (last_ts != db.LatestCommitTs().value) return "the Db is not at its last commit";
    return "";
  }

 private:
  const PackageMap& before_;
  const std::vector<Acknowledgement>& acknowledged_;
};

}  // namespace

absl::StatusOr<KilledWriterReport> KillWriter(const std::vector<std::string>& command,
                                              const std::string& directory,
                                              const PackageMap& before) {
  pid_t child = 0;
  int output = -1;
  if (absl::Status status = Start(command, &child, &output); !status.ok()) return status;
  const absl::Cleanup close_output = [output] { close(output); };

  std::vector<Acknowledgement> acknowledged;
  Acknowledgement next;
  while (acknowledged.size() < kCommitsBeforeDeath && ReadOne(output, &next)) {
    acknowledged.push_back(next);
  }
  const bool alive = acknowledged.size() == kCommitsBeforeDeath;
  const int grace_us = static_cast<int>(std::random_device()() % kMostGraceUs);
  std::this_thread::sleep_for(std::chrono::microseconds(grace_us));
  kill(child, SIGKILL);
  while (ReadOne(output, &next)) acknowledged.push_back(next);
  int wait_status = 0;
  waitpid(child, &wait_status, 0);
  if (!alive || !WIFSIGNALED(wait_status) || WTERMSIG(wait_status) != SIGKILL) {
    return absl::InternalError("the writer ended before it was killed");
  }

  KilledWriterReport report;
  report.acknowledged_commits = acknowledged.size();
  report.acknowledged_entries = acknowledged.size() * kBatchEntries;
  const Stopwatch stopwatch;
  absl::StatusOr<std::unique_ptr<Db>> db = Db::Open({}, directory);
  if (!db.ok()) return db.status();
  report.reopen_seconds = stopwatch.seconds();
  report.recovered_ts = (*db)->LatestCommitTs();
  report.wrong = Comparison(before, acknowledged).Compare(**db, report);
  if (absl::Status status = (*db)->Close(); !status.ok()) return status;
  return report;
}

absl::Status RunWriter(const std::string& directory) {
  absl::StatusOr<std::unique_ptr<Db>> db = Db::Open({.create_if_missing = false}, directory);
  if (!db.ok()) return db.status();
  WriteBatch batch;
  for (uint64_t number = 0;; ++number) {
    batch.Clear();
    for (uint64_t entry = 0; entry < kBatchEntries; ++entry) {
      batch.Put(KeyOf(number, entry), ValueOf(number, entry));
    }
    const absl::StatusOr<CommitTs> committed = (*db)->Write(batch);
    if (!committed.ok()) return committed.status();
    const Acknowledgement acknowledgement{number, committed->value};
    if (write(STDOUT_FILENO, &acknowledgement, sizeof(acknowledgement)) !=
        static_cast<ssize_t>(sizeof(acknowledgement))) {
      return SystemError("report a commit");
    }
  }
}

}  // namespace firn::tools
