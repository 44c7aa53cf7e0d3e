#include "mvcc/prefetch.h"

#include <unistd.h>

namespace firn::internal {
namespace {

OwnFetches FindOwnFetches() {
#if defined(__x86_64__)
  if (!__builtin_cpu_is("intel")) return OwnFetches::kEnough;
  // Its own fetches end with a page ("Intel 64 and IA-32 Architectures Optimization Reference Manual",
  // data prefetching). The servers with a second level of 2 MiB, from Sapphire Rapids on, can have more
  // lines under way than those before, and wait longer for each: there that is far too few.
  constexpr long kLargeL2Bytes = 2 << 20;
  return sysconf(_SC_LEVEL2_CACHE_SIZE) < kLargeL2Bytes ? OwnFetches::kWithinPages
                                                        : OwnFetches::kTooFew;
#else
  return OwnFetches::kEnough;
#endif
}

}  // namespace

OwnFetches ProcessorsOwnFetches() {
  static const OwnFetches found = FindOwnFetches();
  return found;
}

}  // namespace firn::internal
