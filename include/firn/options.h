// Options of a Db, a write, a snapshot and an iterator. Default values work.
#ifndef FIRN_OPTIONS_H_
#define FIRN_OPTIONS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "firn/export.h"
#include "firn/types.h"

namespace firn {

class Listener;
namespace internal {
class StoreOpener;
}  // namespace internal

// How much of a crash a commit survives once its call has returned.
enum class Durability {
  kMemory,    // None: the Db has no store.
  kAsync,     // Persisted soon, in commit order; a crash loses only a suffix.
  kBuffered,  // In the operating system: survives the death of the process.
  kSync,      // On disk: survives a power cut.
};

// A source of wall-clock time. Tests replace it.
// Thread-safety: any thread, no lock held that the Db could want.
class FIRN_EXPORT Clock {
 public:
  virtual ~Clock() = default;
  // Nanoseconds since the Unix epoch. May jump; commit timestamps will not.
  virtual uint64_t NowNanos() = 0;
};

// Who does background work: freezing leaves that nobody writes to any more and
// returning the memory that a released snapshot held.
enum class BackgroundMode {
  kThread,  // A thread of the Db's own, asleep while there is nothing to do.
  kInline,  // The thread that commits or releases, right after it did so.
  kManual,  // Nobody, until Db::Settle() or Db::StepBackgroundWork().
};

// Sizes of the ordered map. Tests make them tiny so that structure changes all the time.
struct TuningOptions {
  size_t block_bytes = 13'568;      // Target size of a leaf's frozen block; 64 to 1 MiB.
  size_t block_entries = 1024;      // At most so many entries a block; 2 to 65,536.
  size_t delta_slots = 32;          // Fresh keys a leaf takes at most before it freezes; 2 to 256.
  size_t inner_fanout = 64;         // Children of an inner node; 4 to 1,024.
  size_t large_value_bytes = 1024;  // Values this long live outside blocks; 16 to 64 KiB.
  // A leaf idle this long is frozen in the background. One that is written again soon after is
  // given longer the next time, up to 32 times as long, unless it then gets `delta_slots` writes.
  uint64_t settle_idle_us = 100'000;
};

struct Options {
  Durability durability = Durability::kBuffered;
  BackgroundMode background = BackgroundMode::kThread;
  TuningOptions tuning = {};

  // --- Of a Db on disk -------------------------------------------------------------
  bool create_if_missing = true;  // Else kNotFound where there is no Db.
  bool error_if_exists = false;   // kAlreadyExists where there is one.
  // Reads what the directory holds and changes nothing in it; writes are refused. Any
  // number of processes may do so at once, but not beside one that writes.
  bool read_only = false;
  size_t load_threads = 0;  // That read the directory in; 0: one a core, at most 8.
  // Durability::kAsync: how long a commit waits to be persisted, and how many bytes of
  // commits may wait before committers do.
  uint64_t async_interval_us = 10'000;
  size_t async_queue_bytes = size_t{64} << 20;

  // Not owned; must outlive the Db and every handle made from it.
  Clock* clock = nullptr;                         // nullptr: the system clock.
  Listener* listener = nullptr;                   // nullptr: nobody listens.
  internal::StoreOpener* store_opener = nullptr;  // For tests: opens another store.
};

struct WriteOptions {
  // The timestamp this commit is to have; absent: the Db's clock decides. Must be
  // above every earlier commit's and at most one second past the later of that and now.
  std::optional<CommitTs> commit_ts = {};
  // Raises this one write above the Db's own level; absent: the Db's level.
  std::optional<Durability> durability = {};
};

struct SnapshotOptions {
  std::string label = {};  // Says what it is for; shown by Db::LiveSnapshots().
  std::string owner = {};  // Says who holds it; empty: the thread that took it.
};

// Bounds are copied by the iterator.
struct IteratorOptions {
  std::optional<std::string_view> lower_bound = {};
  std::optional<std::string_view> upper_bound = {};
  bool lower_inclusive = true;
  bool upper_inclusive = false;
  // Only keys that start so; intersects the bounds.
  std::optional<std::string_view> prefix = {};
  bool keys_only = false;  // value() is empty; large values are not touched.
};

}  // namespace firn

#endif  // FIRN_OPTIONS_H_
