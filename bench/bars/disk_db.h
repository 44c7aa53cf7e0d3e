// What the bars on disk share: Dbs in a directory that goes away with them.
#ifndef FIRN_BENCH_BARS_DISK_DB_H_
#define FIRN_BENCH_BARS_DISK_DB_H_

#include <cstddef>
#include <memory>

#include "bench/check.h"
#include "bench/checksum.h"
#include "bench/scratch_directory.h"
#include "bench/workload.h"
#include "firn/firn.h"

namespace firn::bench {

inline Options DiskOptions(Durability level) {
  Options options;
  options.durability = level;
  return options;
}

inline std::unique_ptr<Db> OpenAt(const ScratchDirectory& scratch, const Options& options) {
  return ValueOf(Db::Open(options, scratch.path() + "/db"));
}
inline std::unique_ptr<Db> OpenAt(const ScratchDirectory& scratch, Durability level) {
  return OpenAt(scratch, DiskOptions(level));
}

inline Checksum ScanOf(const Db& db) {
  Checksum checksum;
  Iterator it = db.NewIterator();
  for (it.SeekToFirst(); it.Valid(); it.Next()) checksum.Add(it.key(), it.value());
  CheckOk(it.status());
  return checksum;
}

inline void PutSome(Db& db, const Workload& workload, size_t begin, size_t end, size_t step = 1) {
  for (size_t i = begin; i < end; i += step) {
    CheckOk(db.Put(workload.key(i), workload.value(i)).status());
  }
}

inline double PerEntry(double seconds, size_t entries) {
  return seconds * 1e9 / static_cast<double>(entries);
}

}  // namespace firn::bench

#endif  // FIRN_BENCH_BARS_DISK_DB_H_
