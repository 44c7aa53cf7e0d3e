// Asks operations of a Db and writes down its answers.
#ifndef FIRN_TESTS_SUPPORT_DB_PLAYER_H_
#define FIRN_TESTS_SUPPORT_DB_PLAYER_H_

#include <array>
#include <memory>
#include <optional>
#include <string>

#include "firn/db.h"
#include "tests/support/checking_cursor.h"
#include "tests/support/manual_clock.h"
#include "tests/support/operation.h"
#include "tests/support/oracle.h"

namespace firn::test {

// Where a player's Db lives, and what it is to be opened again there. Throws if it fails.
class DbHome {
 public:
  virtual ~DbHome() = default;
  virtual std::unique_ptr<Db> Open(Clock& clock) = 0;
  // Shows what `db` showed; no handle of `db` is left.
  virtual std::unique_ptr<Db> Reopen(std::unique_ptr<Db> db) = 0;
  virtual bool on_disk() const = 0;
};

class MemoryHome final : public DbHome {
 public:
  explicit MemoryHome(const Options& options) : options_(options) {}
  std::unique_ptr<Db> Open(Clock& clock) override;
  std::unique_ptr<Db> Reopen(std::unique_ptr<Db> db) override { return db; }
  bool on_disk() const override { return false; }

 private:
  Options options_;
};

// Answers hold nothing that the options of the Db decide: they are the same for every home.
// Lifetime: the home outlives it.
class DbPlayer {
 public:
  explicit DbPlayer(DbHome& home);

  std::string Play(const Operation& operation);

 private:
  struct Pin {
    std::string key;
    std::optional<PinnedValue> value;  // Nothing if the key was absent.
  };

  std::string Commit(const Operation& operation);
  std::string Compare(const Operation& operation, const WriteOptions& options);
  template <class Source>  // A Db or a Snapshot.
  std::string ReadFrom(const Source& source, const Operation& operation);
  std::string Scan(CheckingCursor cursor, bool backward) const;
  std::string MoveIterator(const Operation& operation);
  std::string Standing(const CheckingCursor& cursor) const;
  std::string Reopen();
  std::string ShowPin(const std::optional<Pin>& pin) const;

  DbHome& home_;
  ManualClock clock_;
  std::unique_ptr<Db> db_;
  std::array<std::optional<Snapshot>, kSnapshotPlaces> snapshots_;
  std::array<std::optional<CheckingCursor>, kIteratorPlaces> iterators_;
  std::array<std::optional<Pin>, kPinPlaces> pins_;
};

}  // namespace firn::test

#endif  // FIRN_TESTS_SUPPORT_DB_PLAYER_H_
