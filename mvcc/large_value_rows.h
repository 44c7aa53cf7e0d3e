// Puts the large values of a leaf side by side.
#ifndef FIRN_MVCC_LARGE_VALUE_ROWS_H_
#define FIRN_MVCC_LARGE_VALUE_ROWS_H_

#include <cstddef>
#include <span>
#include <vector>

#include "mvcc/frozen_block.h"
#include "mvcc/ordered_map.h"

namespace firn::internal {

// LargeValueRows holds the copies of a leaf's large values that a freeze at rest makes: in rows,
// in the order of their keys. Puts in random order leave the values of neighbouring keys far
// apart, and a scan then spends most of its time at their starts: 740 ns for each 4 KiB in a
// random place, huge pages or not, where in a row it takes 150.
//
// A writer's freeze copies no value. A leaf at rest has its values copied when more than a quarter
// of its neighbours stand apart. A put parts at most two pairs of neighbours, so it pays for eight
// copies at most, however often its leaf is settled. Only the newest value of each key moves.
//
// The copies are values like any other: shared by count, freed one by one. The originals go with
// the states that counted them, so who holds one keeps reading that, and nobody waits.
//
// Lifetime: owns a count of each copy until it goes; by then the states have counts of their own.
class LargeValueRows {
 public:
  explicit LargeValueRows(OrderedMap& map) : map_(map) {}
  ~LargeValueRows();
  LargeValueRows(const LargeValueRows&) = delete;
  LargeValueRows& operator=(const LargeValueRows&) = delete;

  // Puts copies in place of the large values of these entries, neighbours in key order, if they
  // are scattered. What there is no memory for stays where it is.
  void LineUp(std::span<FrozenEntry> entries) noexcept;

  // Whether LineUp() would have something to do for the newest values of this block.
  static bool AreScattered(const FrozenBlock& block);

 private:
  // Copies the values of these entries, `bytes` in all, into one row.
  void CopyRow(std::span<FrozenEntry* const> row, size_t bytes);

  OrderedMap& map_;
  std::vector<LargeValue*> copies_;
};

}  // namespace firn::internal

#endif  // FIRN_MVCC_LARGE_VALUE_ROWS_H_
