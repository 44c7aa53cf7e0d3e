// Says what a Db should answer to operations.
#ifndef FIRN_TESTS_SUPPORT_ORACLE_PLAYER_H_
#define FIRN_TESTS_SUPPORT_ORACLE_PLAYER_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/operation.h"
#include "tests/support/oracle.h"

namespace firn::test {

class OraclePlayer {
 public:
  // The answer, as DbPlayer::Play() gives it.
  std::string Play(const Operation& operation);

 private:
  struct Pin {
    std::optional<Entry> entry;  // Nothing if the key was absent.
  };

  std::string Commit(const Operation& operation);
  // Whether the key's value is what the operation expects.
  bool Holds(const Operation& operation) const;
  std::string ReadAt(const Operation& operation, CommitTs ts) const;
  std::string MoveIterator(const Operation& operation);
  std::string OpenIterator(const Operation& operation);
  std::string Standing(const OracleCursor& cursor) const;
  void DropHandles();
  // Nothing if the place is empty.
  std::optional<CommitTs> ReadTs(const Operation& operation) const;

  Oracle oracle_;
  CommitTs latest_;
  uint64_t now_nanos_ = 0;
  std::array<std::optional<CommitTs>, kSnapshotPlaces> snapshots_;
  std::array<std::optional<OracleCursor>, kIteratorPlaces> iterators_;
  std::array<std::optional<Pin>, kPinPlaces> pins_;
};

}  // namespace firn::test

#endif  // FIRN_TESTS_SUPPORT_ORACLE_PLAYER_H_
