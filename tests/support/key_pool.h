// Keys that are hard on an ordered map, and what lies around them.
#ifndef FIRN_TESTS_SUPPORT_KEY_POOL_H_
#define FIRN_TESTS_SUPPORT_KEY_POOL_H_

#include <cstddef>
#include <string>
#include <vector>

#include "tests/support/choices.h"
#include "tests/support/oracle.h"

namespace firn::test {

// A KeyPool is one family of keys: few and short, the ends of the byte order, a long prefix in
// common, or many. It keeps to them, so that what is drawn meets.
// Lifetime: the choices outlive it.
class KeyPool {
 public:
  explicit KeyPool(Choices& choices);

  const std::vector<std::string>& keys() const { return keys_; }

  const std::string& Key() { return choices_.Pick(keys_); }
  // A key, or what sorts just beside one.
  std::string Target();
  // Half-open and not crossed; an end is left out now and then.
  Bounds Range();
  // Any bounds: crossed ones are among them.
  Bounds AnyBounds();

 private:
  Choices& choices_;
  std::vector<std::string> keys_;
};

}  // namespace firn::test

#endif  // FIRN_TESTS_SUPPORT_KEY_POOL_H_
