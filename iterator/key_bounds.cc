#include "iterator/key_bounds.h"

#include <algorithm>

namespace firn::internal {
namespace {

// The smallest key above `key`.
std::string Successor(std::string_view key) {
  std::string next(key);
  next.push_back('\0');
  return next;
}

// The smallest key above all that begin with `prefix`; absent if there is none.
std::optional<std::string> PrefixEnd(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty() && end.back() == '\xff') end.pop_back();
  if (end.empty()) return std::nullopt;
  end.back() = static_cast<char>(static_cast<unsigned char>(end.back()) + 1);
  return end;
}

}  // namespace

KeyBounds KeyBounds::From(const IteratorOptions& options) {
  KeyBounds bounds;
  if (options.lower_bound) {
    bounds.lower = options.lower_inclusive ? std::string(*options.lower_bound)
                                           : Successor(*options.lower_bound);
  }
  if (options.upper_bound) {
    bounds.upper = options.upper_inclusive ? Successor(*options.upper_bound)
                                           : std::string(*options.upper_bound);
  }
  bounds.crossed =
      options.lower_bound && options.upper_bound && *options.lower_bound > *options.upper_bound;
  if (options.prefix) {
    bounds.lower = std::max(bounds.lower, std::string(*options.prefix));
    std::optional<std::string> end = PrefixEnd(*options.prefix);
    if (end && (!bounds.upper || *end < *bounds.upper)) bounds.upper = std::move(end);
  }
  return bounds;
}

}  // namespace firn::internal
