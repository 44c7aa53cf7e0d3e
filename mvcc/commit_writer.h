// A CommitWriter puts one commit's writes into the map.
#ifndef FIRN_MVCC_COMMIT_WRITER_H_
#define FIRN_MVCC_COMMIT_WRITER_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "mvcc/epoch.h"
#include "mvcc/freezer.h"
#include "mvcc/ordered_map.h"
#include "mvcc/point_read.h"
#include "mvcc/settler.h"

namespace firn::internal {

// A CommitWriter takes a commit through its steps on the map:
//
//   1. Latch*()   latches the leaves involved, in key order.
//   2. Newest()   judges conditions and captures what will be superseded.
//   3. Prepare()  allocates everything and makes room: may freeze and split.
//   4. (the caller draws the timestamp, unless the writes had theirs)
//   5. Apply()    links every version, stamped, and unlatches. Cannot fail.
//
// Destroyed before Apply() it leaves the map's content as it was.
//
// Thread-safety: one thread. Holds an EpochGuard and the latches while it lives.
class CommitWriter {
 public:
  CommitWriter(OrderedMap& map, Settler& settler) : map_(map), settler_(settler) {}
  ~CommitWriter() { Unlatch(); }
  CommitWriter(const CommitWriter&) = delete;
  CommitWriter& operator=(const CommitWriter&) = delete;

  // Latches the leaf that covers `key`. Keys come in ascending order.
  void LatchKey(std::string_view key);
  // Latches every leaf that [lower, upper) touches, key or no key.
  void LatchRange(std::string_view lower, std::optional<std::string_view> upper);

  // The newest version of `key`, visible yet or not. Requires: its leaf is latched.
  VersionView Newest(std::string_view key) const;
  // Appends, in order, every key of [lower, upper) whose newest version is a value.
  // Requires: the range is latched. The views last as long as this writer.
  void AppendLiveKeys(std::string_view lower, std::optional<std::string_view> upper,
                      std::vector<std::string_view>* keys) const;

  // `writes` stand in key order, a key once, every leaf latched; they outlive Apply().
  // Throws std::bad_alloc.
  void Prepare(std::span<const MapWrite> writes);
  // All writes at one timestamp, or each at that of its MapWrite.
  void Apply(uint64_t commit_ts) noexcept;
  void ApplyStamped() noexcept;

  // Whether Prepare() froze a leaf, and so retired its state.
  bool froze() const { return froze_; }

 private:
  struct Prepared {
    Leaf* leaf;
    FreshDelta* delta;
    FreshSlot* slot;       // The key's slot, or null:
    std::string_view key;  // then a new one is appended with this key.
    Version* version;
  };

  Leaf* LeafOf(std::string_view key) const;
  void Link(const Prepared& prepared) noexcept;
  void Unlatch() noexcept;
  // Prepares the writes that the latched leaf leaves_[at] covers; may put further leaves
  // behind it.
  void PrepareLeaf(size_t at, std::span<const MapWrite> writes);
  // The leaf's delta if the writes fit into it, else null.
  FreshDelta* DeltaWithRoom(Leaf* leaf, std::span<const MapWrite> writes);
  // The leaf's delta, made if need be.
  FreshDelta* DeltaFor(Leaf* leaf, size_t slots);
  void PrepareInto(Leaf* leaf, FreshDelta* delta, std::span<const MapWrite> writes);
  void ShortenChain(FreshDelta* delta, FreshSlot* slot);

  OrderedMap& map_;
  Settler& settler_;
  const EpochGuard guard_;
  absl::InlinedVector<Leaf*, 2> leaves_;  // Latched, in key order.
  absl::InlinedVector<Prepared, 2> prepared_;
  bool froze_ = false;
};

}  // namespace firn::internal

#endif  // FIRN_MVCC_COMMIT_WRITER_H_
