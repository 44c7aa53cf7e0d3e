// The adapters; which of them are built depends on what the machine has.
#ifndef FIRN_TOOLS_MATRIX_ENGINES_ENGINES_H_
#define FIRN_TOOLS_MATRIX_ENGINES_ENGINES_H_

#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tools/matrix/engine.h"

namespace firn::matrix {

// For engines that open their directory again in Reopen(), and at first as well.
template <class EngineOnDisk>
absl::StatusOr<std::unique_ptr<Engine>> OpenOnDisk(const EngineSetup& setup) {
  auto engine = std::make_unique<EngineOnDisk>(setup.directory);
  if (absl::Status status = engine->Reopen(); !status.ok()) return status;
  return engine;
}

EngineEntry FirnMemory();
EngineEntry FirnDisk();
EngineEntry RocksDb();
EngineEntry Lmdb();
EngineEntry LevelDb();
EngineEntry SharedMutexMap();
EngineEntry TbbHashMap();

}  // namespace firn::matrix

#endif  // FIRN_TOOLS_MATRIX_ENGINES_ENGINES_H_
