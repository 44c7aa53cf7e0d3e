#include "bench/steady_puts.h"

#include <algorithm>

namespace firn::bench {

SteadyPuts::SteadyPuts(const Workload& workload, const Lookups& lookups)
    : lookups_(lookups), value_bytes_(workload.options().value_bytes) {
  values_.reserve(lookups.size() * value_bytes_);
  const size_t whole_words = value_bytes_ / 8 * 8;
  const size_t first_word = std::min<size_t>(8, whole_words);
  for (size_t i = 0; i < lookups.size(); ++i) {
    const std::string_view value = workload.value(lookups.entry(i));
    values_.append(value.substr(first_word, whole_words - first_word));
    values_.append(value.substr(0, first_word));
    values_.append(value.substr(whole_words));
  }
}

}  // namespace firn::bench
