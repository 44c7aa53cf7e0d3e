// A cell's question in keys and commits.
#ifndef FIRN_TOOLS_MATRIX_CELL_PLAN_H_
#define FIRN_TOOLS_MATRIX_CELL_PLAN_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "tools/matrix/cell.h"
#include "tools/matrix/engine.h"

namespace firn::matrix {

// One commit of a writer.
struct Commit {
  enum class Kind { kWrite, kDeleteRange, kClear, kCompareAndSwap };
  Kind kind = Kind::kWrite;
  std::vector<Operation> batch;  // kWrite; kCompareAndSwap: one put.
  std::string lower, upper;      // kDeleteRange.
};

// Twenty keys stand in a line. Counted in the direction of the walk the cursor stands on the
// ninth, or at an end of the line:
//
//   before-first | 0 1 2 3 [4 .. behind .. cursor next .. further-on .. 14] 15 .. other-leaf | after-last
//                          ^ lower bound                                    ^ upper bound
//
// A key that is inserted stands between two of them.
//
// Thread-safety: const.
class CellPlan {
 public:
  // Every key begins with `prefix`; without one the cell has its Db to itself. With one a cell at
  // the first or the last key wants nothing of other cells beyond it. `seed` varies the values.
  CellPlan(const Cell& cell, std::string prefix, uint64_t seed);

  // Commits before anything is read. Between the two, and after the second where the layout wants
  // nothing fresh, the engine settles.
  const Commit& load() const { return load_; }
  const Commit& load_again() const { return load_again_; }

  // The change itself.
  const std::vector<Commit>& change() const { return change_; }
  const std::string& changed_key() const { return changed_key_; }
  // What splits the changed leaf, or splits and merges it; the engine settles after each.
  const std::vector<Commit>& reshape() const { return reshape_; }
  // An overwrite of the changed key; and of a key that the change leaves alone.
  Commit Overwrite(size_t version) const;
  Commit OverwriteOther(size_t version) const;

  // What a storm is made of: any commit somewhere in the line, and one that sets two keys far apart
  // to the same value, so that half of it is half a batch. No pair beside range deletes, which may
  // delete one of the two.
  Commit AnyCommit(uint64_t random) const;
  bool has_pair() const;
  Commit PairCommit(uint64_t token) const;
  std::pair<std::string, std::string> PairKeys() const;

  const Bounds& bounds() const { return bounds_; }
  // Around all keys of the cell, and none of another's.
  Bounds whole() const;
  // Where the walk's Seek goes, and the key on which the walk is half way.
  const std::string& seek_target() const { return seek_target_; }
  const std::string& half_way() const { return half_way_; }
  // What point reads ask for.
  const std::vector<std::string>& asked_keys() const { return asked_keys_; }

  // Every key that may be there at some time, but those of reshape().
  std::vector<std::string> line() const;

 private:
  static constexpr int kKeys = 20;

  // The key at `place` of the line, counted in the direction of the walk; and the one that would
  // stand between it and the next.
  std::string KeyAt(int place) const;
  std::string KeyAfter(int place) const;
  // In the order of keys.
  std::string Key(int index) const;
  std::string KeyBetween(int index) const;
  std::string Value(size_t version, uint64_t salt) const;

  void ChooseBounds();
  void ChoosePlaces();
  void ChooseLoads();
  void ChooseChange();
  Commit BatchChange() const;
  Commit RangeDeleteChange() const;
  void ChooseReshape();

  const Cell cell_;
  const std::string prefix_;
  const uint64_t seed_;
  const bool backward_;
  Commit load_, load_again_;
  std::vector<Commit> change_, reshape_;
  std::string changed_key_, seek_target_, half_way_;
  int cursor_place_ = 0;
  Bounds bounds_;
  std::vector<std::string> asked_keys_;
};

}  // namespace firn::matrix

#endif  // FIRN_TOOLS_MATRIX_CELL_PLAN_H_
