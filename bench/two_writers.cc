#include "bench/two_writers.h"

#include "bench/check.h"
#include "bench/two_threads.h"

namespace firn::bench {

namespace {

// Of entry `first` and every `step`th from there.
void PutEvery(size_t step, size_t first, const Workload& workload, Db& db,
              CommonOrder* order = nullptr) {
  for (size_t i = first; i < workload.entry_count(); i += step) {
    CheckOk(db.Put(workload.key(i), workload.value(i)).status());
    if (order != nullptr) order->TakeTurn();
  }
}

}  // namespace

double NsPerPutOfTwoWriters(const Workload& workload, Db& left, Db& right) {
  const double seconds = SecondsOfTwo([&] { PutEvery(2, 0, workload, left); },
                                      [&] { PutEvery(2, 1, workload, right); });
  return seconds * 1e9 / static_cast<double>(workload.entry_count());
}

double NsPerPutOfTwoLoaders(const Workload& workload, Db& left, Db& right, CommonOrder* order) {
  const double seconds = SecondsOfTwo([&] { PutEvery(1, 0, workload, left, order); },
                                      [&] { PutEvery(1, 0, workload, right, order); });
  return seconds * 1e9 / static_cast<double>(2 * workload.entry_count());
}

}  // namespace firn::bench
