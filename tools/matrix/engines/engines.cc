#include "tools/matrix/engines/engines.h"

namespace firn::matrix {

const std::vector<EngineEntry>& Engines() {
  static const auto* const engines = new std::vector<EngineEntry>{
      FirnMemory(),     FirnDisk(), RocksDb(),
#ifdef FIRN_MATRIX_LMDB
      Lmdb(),
#endif
#ifdef FIRN_MATRIX_LEVELDB
      LevelDb(),
#endif
      SharedMutexMap(),
#ifdef FIRN_MATRIX_TBB
      TbbHashMap(),
#endif
  };
  return *engines;
}

}  // namespace firn::matrix
