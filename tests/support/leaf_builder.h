// Leaf states made by hand: a test says what stands fresh and what frozen.
#ifndef FIRN_TESTS_SUPPORT_LEAF_BUILDER_H_
#define FIRN_TESTS_SUPPORT_LEAF_BUILDER_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mvcc/leaf.h"
#include "mvcc/visibility.h"

namespace firn::test {

struct ChainVersion {
  uint64_t commit_ts;
  std::optional<std::string> value;  // std::nullopt: a tombstone.

  friend bool operator==(const ChainVersion&, const ChainVersion&) = default;
};

// "9:- 7:a" as versions, newest first; "-" is a tombstone.
std::vector<ChainVersion> ParseChain(std::string_view text);
std::string ToString(const std::vector<ChainVersion>& chain);

// What a version looks like in the text of a chain.
std::string ToString(const internal::VersionView& version);

// A LeafBuilder owns the strings and large values that it puts into states; large values are
// counted by the states that hold them besides.
class LeafBuilder {
 public:
  // Values of `large_bytes` and more become large values.
  LeafBuilder(internal::SpanAllocator& allocator, internal::LargeValueHeap& large_values,
              size_t large_bytes = SIZE_MAX)
      : allocator_(allocator), large_values_(large_values), large_bytes_(large_bytes) {}
  ~LeafBuilder();
  LeafBuilder(const LeafBuilder&) = delete;
  LeafBuilder& operator=(const LeafBuilder&) = delete;

  // What the next state holds of `key` in its block, and in its delta.
  LeafBuilder& Frozen(std::string_view key, std::string_view chain);
  LeafBuilder& Frozen(std::string_view key, std::vector<ChainVersion> chain);
  LeafBuilder& Fresh(std::string_view key, std::string_view chain);
  LeafBuilder& Fresh(std::string_view key, std::vector<ChainVersion> chain);

  internal::LeafState* Build(const internal::Fences& fences = {});
  // A state that no map took over.
  void Destroy(internal::LeafState* state);

  internal::VersionView View(const ChainVersion& version);

 private:
  internal::SpanAllocator& allocator_;
  internal::LargeValueHeap& large_values_;
  const size_t large_bytes_;
  std::map<std::string, std::vector<ChainVersion>> frozen_;
  std::vector<std::pair<std::string, std::vector<ChainVersion>>> fresh_;  // As written.
  std::deque<std::string> values_;
  std::vector<internal::LargeValue*> owned_;
};

}  // namespace firn::test

#endif  // FIRN_TESTS_SUPPORT_LEAF_BUILDER_H_
