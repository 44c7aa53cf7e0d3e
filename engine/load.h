// Reading a store into memory.
#ifndef FIRN_ENGINE_LOAD_H_
#define FIRN_ENGINE_LOAD_H_

#include <cstddef>

#include "absl/status/status.h"
#include "engine/store.h"
#include "firn/listener.h"
#include "mvcc/versioned_map.h"

namespace firn::internal {

// Fills the empty map with what the store holds, `threads` ranges of it at once, and sets the
// clock of commits behind the store's last. `listener` may be null.
// Requires: nobody else looks at the map or writes to the store.
absl::Status LoadStore(const Store& store, size_t threads, Listener* listener,
                       VersionedMap& versioned);

}  // namespace firn::internal

#endif  // FIRN_ENGINE_LOAD_H_
