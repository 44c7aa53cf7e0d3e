// A directory of a Db with a known history, to be damaged and opened again.
#ifndef FIRN_TESTS_CRASH_DAMAGED_FILES_H_
#define FIRN_TESTS_CRASH_DAMAGED_FILES_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "firn/db.h"

namespace firn::test {

// key -> value, and the commit that wrote it.
using DiskState = std::map<std::string, std::pair<std::string, uint64_t>>;
DiskState EntriesOf(const Db& db);

// What every commit left behind.
struct DiskHistory {
  std::map<uint64_t, DiskState> states;  // By commit timestamp; 0 is the empty state.
  uint64_t last_synced = 0;
  uint64_t last_buffered = 0;

  // As text, to go through a pipe.
  std::string Encode() const;
  static DiskHistory Decode(const std::string& text);
};

enum class Boot { kSame, kNew };

struct OpenVerdict {
  enum class Kind {
    kOpened,   // With a state of the history that covers what was promised.
    kRefused,  // With a typed error.
    kWrong,    // With another state, or too little: `text` says what.
    kKilled,   // The process ended by a signal, or with a report of a sanitizer.
  };
  Kind kind;
  std::string text;
};

// Builds the Db in `path` in a process of its own, which dies without closing it: table files
// from two flushes, then a log with commits of all kinds, the last ones not synced.
DiskHistory BuildAndAbandon(const std::string& path, uint64_t seed);

// Opens the Db in `path` in a process of its own and judges what it shows.
OpenVerdict OpenAndJudge(const std::string& path, const DiskHistory& history, Boot boot);

// Where the headers of the log's records stand: checksum u32, length u16, type u8.
std::vector<uint64_t> LogRecordHeaders(const std::string& log);
// How much of it was written: what was allocated beyond that is zeros.
uint64_t LogContentBytes(const std::string& log);

std::string ReadFile(const std::string& path);
void WriteFile(const std::string& path, const std::string& bytes);
// The only file whose name ends so, the newest of them by name.
std::string NewestFile(const std::string& directory, const std::string& ending);

}  // namespace firn::test

#endif  // FIRN_TESTS_CRASH_DAMAGED_FILES_H_
