// The range of keys that an iterator may show.
#ifndef FIRN_ITERATOR_KEY_BOUNDS_H_
#define FIRN_ITERATOR_KEY_BOUNDS_H_

#include <optional>
#include <string>
#include <string_view>

#include "firn/options.h"

namespace firn::internal {

// IteratorOptions' bounds and prefix as one half-open range of keys, owned.
struct KeyBounds {
  std::string lower;                 // Inclusive; "" is below every key.
  std::optional<std::string> upper;  // Exclusive; absent: no end.
  bool crossed = false;              // The caller's lower bound is above its upper bound.

  static KeyBounds From(const IteratorOptions& options);

  bool AtOrPastUpper(std::string_view key) const { return upper.has_value() && key >= *upper; }
  bool empty() const { return upper.has_value() && lower >= *upper; }
};

}  // namespace firn::internal

#endif  // FIRN_ITERATOR_KEY_BOUNDS_H_
