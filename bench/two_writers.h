// Two threads that write at once.
#ifndef FIRN_BENCH_TWO_WRITERS_H_
#define FIRN_BENCH_TWO_WRITERS_H_

#include "bench/common_order.h"
#include "bench/workload.h"
#include "firn/db.h"

namespace firn::bench {

// Wall nanoseconds per put while two threads put all entries, every other one each: one
// thread into `left`, one into `right`, which may be the same Db.
double NsPerPutOfTwoWriters(const Workload& workload, Db& left, Db& right);

// The same while each of them puts all entries: Dbs as large as the one that both might share.
// With an order, each put is followed by a turn in it.
double NsPerPutOfTwoLoaders(const Workload& workload, Db& left, Db& right,
                            CommonOrder* order = nullptr);

}  // namespace firn::bench

#endif  // FIRN_BENCH_TWO_WRITERS_H_
