// Which build of a library this process runs on.
#ifndef FIRN_BENCH_LOADED_LIBRARY_H_
#define FIRN_BENCH_LOADED_LIBRARY_H_

#include <string>

namespace firn::bench {

// "build/peers/lib/librocksdb.so.7.8, assertions off" for the library that `symbol` was found in
// when the program started; "not there" if it is in none.
std::string DescribeLibraryWith(const char* symbol);

}  // namespace firn::bench

#endif  // FIRN_BENCH_LOADED_LIBRARY_H_
