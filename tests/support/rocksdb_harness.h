// The store on RocksDB under the contract's tests.
#ifndef FIRN_TESTS_SUPPORT_ROCKSDB_HARNESS_H_
#define FIRN_TESTS_SUPPORT_ROCKSDB_HARNESS_H_

#include <memory>

#include "tests/engine/store_harness.h"

namespace firn::test {

// A store in a directory of its own, which goes with the harness. A crash is a copy of the
// directory as the crash leaves it: the store of before goes on in the old one, unheeded.
std::unique_ptr<internal::StoreHarness> MakeRocksdbHarness();

}  // namespace firn::test

#endif  // FIRN_TESTS_SUPPORT_ROCKSDB_HARNESS_H_
