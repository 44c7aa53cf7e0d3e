// A Version is one value of a key, or its absence, from one commit on.
#ifndef FIRN_MVCC_VERSION_H_
#define FIRN_MVCC_VERSION_H_

#include <cstdint>

#include "mvcc/atomics_policy.h"

namespace firn::internal {

enum class ValueKind : uint8_t {
  kValue,      // The bytes follow the version.
  kTombstone,  // The key was deleted.
  kLarge,      // A pointer to a LargeValue follows the version.
};

// What a version chain needs of a version.
template <class Policy>
struct BasicVersion {
  // The next older version of the key; null: none in this chain.
  //   Writer: Push() before the version is linked, later Prune(), both under the leaf's latch.
  //   Reader: anybody who walks the chain.
  //   Order:  release in Prune(), paired with the acquire in the walk: see BasicVersionChain.
  typename Policy::template Atomic<BasicVersion*, Field::kChainOlder> older{nullptr};

  // When the version became visible. Written under the leaf's latch before the version is
  // linked; constant from then on.
  uint64_t commit_ts = 0;
};

// A Version lies in the arena of a fresh delta, its bytes right behind it:
//
//   older 8 | commit_ts 8 | value_size 4 | kind 1 | flags 1 | 2 unused | bytes
struct Version : BasicVersion<StdAtomics> {
  Version(ValueKind value_kind, uint32_t size) : value_size(size), kind(value_kind) {}

  const char* data() const { return reinterpret_cast<const char*>(this + 1); }
  char* mutable_data() { return reinterpret_cast<char*>(this + 1); }

  // Immutable after construction.
  const uint32_t value_size;  // Of what follows: the value's bytes, or a pointer's.
  const ValueKind kind;
  uint8_t flags = 0;  // Of whoever owns the version.
};
static_assert(sizeof(Version) == 24);

}  // namespace firn::internal

#endif  // FIRN_MVCC_VERSION_H_
