// Makes a list that shows a fault shorter.
#ifndef FIRN_TESTS_SUPPORT_SHRINK_H_
#define FIRN_TESTS_SUPPORT_SHRINK_H_

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <utility>
#include <vector>

namespace firn::test {

// `list` without what it does not need for `fails` to stay true: halves are tried first, then
// smaller and smaller runs, single elements last. What is left after `patience` is returned.
template <class T, class Fails>
std::vector<T> Shrunk(std::vector<T> list, const Fails& fails, std::chrono::seconds patience) {
  const auto end = std::chrono::steady_clock::now() + patience;
  for (size_t run = (list.size() + 1) / 2; run > 0; run = run == 1 ? 0 : (run + 1) / 2) {
    for (size_t begin = 0; begin < list.size();) {
      if (std::chrono::steady_clock::now() > end) return list;
      const auto first = list.begin() + static_cast<std::ptrdiff_t>(begin);
      const auto last = first + static_cast<std::ptrdiff_t>(std::min(run, list.size() - begin));
      std::vector<T> shorter(list.begin(), first);
      shorter.insert(shorter.end(), last, list.end());
      if (fails(shorter)) {
        list = std::move(shorter);
      } else {
        begin += run;
      }
    }
  }
  return list;
}

}  // namespace firn::test

#endif  // FIRN_TESTS_SUPPORT_SHRINK_H_
