// An engine with a fault of our choice: what the matrix must find.
#ifndef FIRN_TESTS_MATRIX_FAULTY_ENGINE_H_
#define FIRN_TESTS_MATRIX_FAULTY_ENGINE_H_

#include <cstdint>
#include <string_view>
#include <vector>

#include "tools/matrix/engine.h"

namespace firn::matrix {

enum class Fault : uint8_t {
  kNone,
  // Of the moment that is read.
  kIteratorNotFrozen,
  kSnapshotOneCommitLate,
  kSnapshotOneCommitEarly,
  kAnchoredAtCreation,
  kAnchoredAtFirstStep,
  kRefreshStays,
  kReseekAnchorsAnew,
  kRangeForReadsNow,
  kCallbackReadsNow,
  kMultiGetReadsTwoMoments,
  kGetFallsThroughToNow,
  kReleaseUnpinsOlder,
  // Of versions.
  kTombstoneVisible,
  kTombstoneDroppedEarly,
  kOverwrittenInPlace,
  kPinnedValueOverwritten,
  kOneVersionPrunedTooMany,
  kSplitHidesAKey,
  // Of commits.
  kBatchInTwoCommits,
  kRangeDeleteMissesItsLastKey,
  kClearKeepsTheLastKey,
  kSwapIgnoresExpectation,
  // Of moves.
  kUpperBoundInclusive,
  kLowerBoundExclusive,
  kSeekForPrevOffByOne,
  kPrevAfterEndSkips,
  kTurningSkips,
  kReseekAfterEndSticks,
  kCount,
};

std::string_view NameOf(Fault fault);

// Another engine, with `fault` planted in front of it.
EngineEntry WithFault(EngineEntry engine, Fault fault);

}  // namespace firn::matrix

#endif  // FIRN_TESTS_MATRIX_FAULTY_ENGINE_H_
