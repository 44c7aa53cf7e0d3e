// Draws operations that are likely to get in each other's way.
#ifndef FIRN_TESTS_SUPPORT_OPERATION_DRAW_H_
#define FIRN_TESTS_SUPPORT_OPERATION_DRAW_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/support/choices.h"
#include "tests/support/key_pool.h"
#include "tests/support/operation.h"

namespace firn::test {

// Lifetime: the choices outlive it.
class OperationDraw {
 public:
  explicit OperationDraw(Choices& choices);

  Operation Next();

 private:
  Operation::Verb DrawVerb();
  void DrawWhat(Operation& operation);
  void DrawCommitOptions(Operation& operation);
  void DrawBatch(Operation& operation);
  void DrawExpected(Operation& operation);
  const std::string& DrawValue() { return choices_.Pick(values_); }

  Choices& choices_;
  KeyPool keys_;
  std::vector<std::string> values_;  // Few, so that the same ones come again.
  uint64_t clock_nanos_ = 0;
};

}  // namespace firn::test

#endif  // FIRN_TESTS_SUPPORT_OPERATION_DRAW_H_
