// How entries are packed into blocks: what one costs, and where two leaves part.
#ifndef FIRN_MVCC_PACKING_H_
#define FIRN_MVCC_PACKING_H_

#include <cstddef>
#include <string_view>

#include "mvcc/frozen_block.h"
#include "mvcc/key_index.h"

namespace firn::internal {

// What a key costs in a block beside its own bytes: head, offset, commit time.
inline constexpr size_t kEntryOverhead = 10;

inline size_t StoredSize(std::string_view key, const VersionView& value) {
  return key.size() + value.stored_size() + kEntryOverhead;
}

// The shortest separator s with below < s <= above; a view into `above`.
inline std::string_view Separator(std::string_view below, std::string_view above) {
  return above.substr(0, CommonPrefixSize(below, above) + 1);
}

}  // namespace firn::internal

#endif  // FIRN_MVCC_PACKING_H_
