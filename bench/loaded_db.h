// The Db that most Google Benchmark programs work on.
#ifndef FIRN_BENCH_LOADED_DB_H_
#define FIRN_BENCH_LOADED_DB_H_

#include "bench/peers/firn_peer.h"
#include "bench/workload.h"

namespace firn::bench {

// 1,000,000 entries of 16+100 bytes in random order; 2,000 in the smoke run. Seed 1.
const Workload& BenchWorkload();

// All of them, settled. One for the whole program; leave it as it is.
FirnPeer& LoadedDb();

}  // namespace firn::bench

#endif  // FIRN_BENCH_LOADED_DB_H_
