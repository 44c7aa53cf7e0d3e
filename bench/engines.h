// Every engine behind one face, so that a bar can ask the same of all that there are.
//
// A call through it is a whole pass; within a pass an engine is called as peers/ has it.
#ifndef FIRN_BENCH_ENGINES_H_
#define FIRN_BENCH_ENGINES_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bench/checksum.h"
#include "bench/workload.h"
#include "firn/types.h"

namespace firn::bench {

// All entries of a workload in one engine, settled, seen through two views of the same state, one
// for each of two threads. Each call answers what it read.
class LoadedEngine {
 public:
  static constexpr size_t kViews = 2;

  virtual ~LoadedEngine() = default;
  virtual Checksum LookUp(size_t view, const Lookups& lookups, size_t first, size_t last) = 0;
  // Requires: EngineKind::is_ordered; for the last one, is_reversible.
  virtual Checksum ScanForward(size_t view) = 0;
  virtual Checksum ScanFromEach(size_t view, const Lookups& lookups, size_t first, size_t last,
                                size_t count) = 0;
  virtual Checksum ScanBackward(size_t view) = 0;
};

// An engine that is being filled. No view is open meanwhile.
class WritableEngine {
 public:
  virtual ~WritableEngine() = default;
  virtual void Put(std::span<const KeyValue> entries) = 0;  // One commit each.
  virtual void PutInBatches(std::span<const KeyValue> entries, size_t batch_entries) = 0;
  // Brings it into the state that it reads best in.
  virtual void Settle() = 0;
  // What it holds, if its keys are those of the workload.
  virtual Checksum Content(const Workload& workload) = 0;
};

struct EngineKind {
  std::string name;
  bool is_ordered = false;
  bool is_reversible = false;
  std::function<std::unique_ptr<LoadedEngine>(const Workload&)> load;
  // Makes an empty one; nothing here for what only reads.
  std::function<std::unique_ptr<WritableEngine>(const Workload&)> make;
};

// Firn, and all that was found when this was built to be measured beside it.
EngineKind FirnKind();
std::vector<EngineKind> PeerKinds();

// The entries in the order of their insertion.
std::vector<KeyValue> EntriesOf(const Workload& workload);

}  // namespace firn::bench

#endif  // FIRN_BENCH_ENGINES_H_
