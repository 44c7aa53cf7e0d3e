// Keys as points on a line, for cutting a range of them into parts.
#ifndef FIRN_ENGINE_KEY_LINE_H_
#define FIRN_ENGINE_KEY_LINE_H_

#include <cstdint>
#include <string>

#include "engine/big_endian.h"

namespace firn::internal {

// The keys from one to another as numbers: their first bytes after what all have in common.
class KeyLine {
 public:
  KeyLine(const std::string& first, const std::string& last) {
    while (prefix_.size() < first.size() && first[prefix_.size()] == last[prefix_.size()]) {
      prefix_ += first[prefix_.size()];
    }
    low_ = NumberOf(first);
    high_ = NumberOf(last);
  }

  // About the first key for which bytes_below(key) >= `bytes`, by bisection.
  template <class BytesBelow>
  std::string FirstAtLeast(uint64_t bytes, const BytesBelow& bytes_below) const {
    uint64_t low = low_;
    uint64_t high = high_;
    while (low < high) {
      const uint64_t middle = low + (high - low) / 2;
      if (bytes_below(KeyOf(middle)) < bytes) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return KeyOf(low);
  }

 private:
  uint64_t NumberOf(const std::string& key) const {
    char bytes[sizeof(uint64_t)] = {};
    key.copy(bytes, sizeof(bytes), prefix_.size());
    return LoadBigEndian<uint64_t>(bytes);
  }
  std::string KeyOf(uint64_t number) const {
    char bytes[sizeof(uint64_t)];
    StoreBigEndian(number, bytes);
    return prefix_ + std::string(bytes, sizeof(bytes));
  }

  std::string prefix_;
  uint64_t low_;
  uint64_t high_;
};

}  // namespace firn::internal

#endif  // FIRN_ENGINE_KEY_LINE_H_
