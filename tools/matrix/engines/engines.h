// The adapters; which of them are built depends on what the machine has.
#ifndef FIRN_TOOLS_MATRIX_ENGINES_ENGINES_H_
#define FIRN_TOOLS_MATRIX_ENGINES_ENGINES_H_

#include "tools/matrix/engine.h"

namespace firn::matrix {

EngineEntry FirnMemory();
EngineEntry FirnDisk();
EngineEntry RocksDb();
EngineEntry Lmdb();
EngineEntry LevelDb();
EngineEntry SharedMutexMap();
EngineEntry TbbHashMap();

}  // namespace firn::matrix

#endif  // FIRN_TOOLS_MATRIX_ENGINES_ENGINES_H_
