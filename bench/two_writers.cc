#include "bench/two_writers.h"

#include "bench/check.h"
#include "bench/two_threads.h"

namespace firn::bench {

double NsPerPutOfTwoWriters(const Workload& workload, Db& left, Db& right) {
  const auto write = [&workload](Db& db, size_t first) {
    for (size_t i = first; i < workload.entry_count(); i += 2) {
      CheckOk(db.Put(workload.key(i), workload.value(i)).status());
    }
  };
  const double seconds = SecondsOfTwo([&] { write(left, 0); }, [&] { write(right, 1); });
  return seconds * 1e9 / static_cast<double>(workload.entry_count());
}

}  // namespace firn::bench
