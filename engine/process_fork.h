// Tells a Db whether it is in the process that opened it.
#ifndef FIRN_ENGINE_PROCESS_FORK_H_
#define FIRN_ENGINE_PROCESS_FORK_H_

#include <cstdint>

namespace firn::internal {

// How often this process and its ancestors forked since the library was loaded, as the child
// counts: a Db whose count is not the present one belongs to an ancestor. Costs one load.
uint64_t ForkCount() noexcept;

}  // namespace firn::internal

#endif  // FIRN_ENGINE_PROCESS_FORK_H_
