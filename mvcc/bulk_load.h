// A BulkLoad fills an empty map with entries that come in key order.
#ifndef FIRN_MVCC_BULK_LOAD_H_
#define FIRN_MVCC_BULK_LOAD_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mvcc/ordered_map.h"

namespace firn::internal {

// A BulkRun packs the entries of one key range into full leaves, which nobody sees yet. Several
// threads may build a run each; BulkLink() then puts them into the map.
//
// Thread-safety: one thread; runs of one map are independent.
// Lifetime: a run that is not linked frees what it has built. The map outlives it.
class BulkRun {
 public:
  // All entries will be in [lower, upper); an absent upper is unbounded.
  BulkRun(OrderedMap& map, std::string lower, std::optional<std::string> upper);
  BulkRun(BulkRun&&) = default;
  BulkRun& operator=(BulkRun&&) = delete;
  ~BulkRun();

  // Copies the entry. Keys ascend. Throws std::bad_alloc; the run can then only be destroyed.
  void Add(std::string_view key, std::string_view value, uint64_t commit_ts);
  // No more entries. Throws as Add().
  void Finish();

 private:
  friend void BulkLink(OrderedMap& map, std::span<BulkRun> runs);

  struct Pending {
    size_t at;  // In bytes_.
    uint32_t key_size;
    uint32_t value_size;  // kLarge: 0.
    LargeValue* large;    // A count of it is the run's; null for an inline value.
    uint64_t commit_ts;
  };
  struct Built {
    std::string lower;
    LeafState* state;
  };

  // Makes a leaf of what is pending, up to `upper`.
  void Cut(std::optional<std::string_view> upper);
  std::string_view LastKey() const;

  OrderedMap* map_;
  std::string lower_;  // Of the leaf under way.
  std::optional<std::string> upper_;
  std::vector<Pending> pending_;
  std::string bytes_;
  size_t pending_bytes_ = 0;          // As they will be stored.
  std::vector<FrozenEntry> entries_;  // Scratch.
  std::vector<Built> built_;
};

// Links finished runs, which cover all keys from "" on without a gap, into an empty map.
// Throws std::bad_alloc; the map is then as it was.
// Requires: nobody else looks at the map.
void BulkLink(OrderedMap& map, std::span<BulkRun> runs);

}  // namespace firn::internal

#endif  // FIRN_MVCC_BULK_LOAD_H_
