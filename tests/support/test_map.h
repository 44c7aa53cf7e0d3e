// A VersionedMap without a Db around it: commits come at timestamps of the test's choice.
#ifndef FIRN_TESTS_SUPPORT_TEST_MAP_H_
#define FIRN_TESTS_SUPPORT_TEST_MAP_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "firn/listener.h"
#include "firn/options.h"
#include "mvcc/commit_writer.h"
#include "mvcc/versioned_map.h"

namespace firn::test {

// The smallest legal sizes: a few keys make many leaves.
TuningOptions TinyTuning();
// A leaf takes a hundred small keys, so that structure stays as a test put it.
TuningOptions RoomyTuning();

// Keys and what becomes of them; std::nullopt deletes.
using Writes = std::map<std::string, std::optional<std::string>>;

// Thread-safety: one thread at a time, as far as the test itself goes.
class TestMap {
 public:
  explicit TestMap(const TuningOptions& tuning = TinyTuning(), Listener* listener = nullptr,
                   BackgroundMode background = BackgroundMode::kManual)
      : versioned_(new internal::VersionedMap(tuning, background, listener)) {}
  ~TestMap() {
    if (versioned_ != nullptr) versioned_->Abandon();
  }
  TestMap(const TestMap&) = delete;
  TestMap& operator=(const TestMap&) = delete;

  // --- Commits. Without a timestamp: the next one. Return the timestamp. Throw std::bad_alloc
  // and then have changed nothing.
  uint64_t Commit(const Writes& writes) { return CommitAt(last_ts() + 1, writes); }
  uint64_t CommitAt(uint64_t ts, const Writes& writes);
  uint64_t Put(const std::string& key, std::string value) {
    return Commit({{key, std::move(value)}});
  }
  uint64_t Delete(const std::string& key) { return Commit({{key, std::nullopt}}); }
  // Linked and stamped, but no reader may see it before it is published.
  internal::Stamp CommitUnpublished(uint64_t ts, const Writes& writes);
  void Publish(internal::Stamp stamp) { versioned_->oracle().Publish(stamp); }
  uint64_t last_ts() const { return versioned_->oracle().last_stamped(); }

  // --- Reads.
  std::optional<std::string> Get(std::string_view key, uint64_t read_ts) const;
  std::optional<std::string> GetLatest(std::string_view key) const;

  internal::SnapshotSlot* Pin() { return versioned_->PinSnapshot("", ""); }
  void Drop(internal::SnapshotSlot* slot) { versioned_->DropSnapshot(slot); }

  // --- What the map looks like.
  struct LeafShape {
    std::string lower;
    std::optional<std::string> upper;
    uint32_t frozen = 0;  // Keys in the block.
    size_t older = 0;     // Older versions in the block and in runs.
    size_t runs = 0;
    size_t older_in_runs = 0;
    uint32_t fresh = 0;  // Keys in the delta.
  };
  std::vector<LeafShape> Leaves() const;
  uint32_t Height() const { return map().root()->level(); }
  // Versions kept of all keys together, fresh ones too.
  size_t VersionCount() const;
  // That fences, separators and sizes agree everywhere, as test failures. No writer may be at it.
  void CheckStructure() const;
  // That the tree knows every leaf's state, so that a read fetches both at once: one that waits is
  // slower, not wrong, and nothing else would tell. Writers that met may have lost what they noted.
  void CheckHints() const;

  // The versions kept of `key`, as the text of a chain.
  std::string ChainOf(std::string_view key) const;

  void Settle() { versioned_->settler().SettleAll(); }
  size_t allocated_bytes() const { return map().allocator().allocated_bytes(); }
  size_t large_count() const { return map().large_values().value_count(); }

  internal::VersionedMap& versioned() { return *versioned_; }
  internal::OrderedMap& map() { return versioned_->map(); }
  const internal::OrderedMap& map() const { return versioned_->map(); }
  internal::Settler& settler() { return versioned_->settler(); }
  // For a test that lets handles outlive it.
  internal::VersionedMap* Release() { return std::exchange(versioned_, nullptr); }

 private:
  internal::VersionedMap* versioned_;
};

// The writes as the map takes them, with the large values they need.
class PreparedWrites {
 public:
  PreparedWrites(internal::OrderedMap& map, Writes writes);
  ~PreparedWrites();
  PreparedWrites(const PreparedWrites&) = delete;
  PreparedWrites& operator=(const PreparedWrites&) = delete;
  const std::vector<internal::MapWrite>& writes() const { return writes_; }

 private:
  void DropAll();

  internal::OrderedMap& map_;
  const Writes contents_;
  std::vector<internal::MapWrite> writes_;
  std::vector<internal::LargeValue*> owned_;
};

}  // namespace firn::test

#endif  // FIRN_TESTS_SUPPORT_TEST_MAP_H_
