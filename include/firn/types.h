// The small value types that every other header uses.
#ifndef FIRN_TYPES_H_
#define FIRN_TYPES_H_

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>

namespace firn {

// A CommitTs says when a commit became visible, and a snapshot reads at one.
//
// Its value is a hybrid clock: nanoseconds since the Unix epoch, moved forward
// so that no two commits share one. 0 is "before everything"; the top bit is
// reserved. Commit timestamps order commits: whoever sees N sees all below N.
struct CommitTs {
  uint64_t value = 0;

  friend constexpr auto operator<=>(CommitTs, CommitTs) = default;
  friend std::ostream& operator<<(std::ostream& out, CommitTs ts) { return out << ts.value; }
};

inline constexpr CommitTs kBeforeEverything{0};
inline constexpr CommitTs kMaxCommitTs{(uint64_t{1} << 63) - 1};

// Limits of one key, one value, and all keys and values of one write batch.
inline constexpr size_t kMaxKeyBytes = 65'535;
inline constexpr size_t kMaxValueBytes = size_t{256} << 20;
inline constexpr size_t kMaxBatchBytes = size_t{1} << 30;

// One visible entry. The views belong to whatever handed it out.
struct KeyValue {
  std::string_view key;
  std::string_view value;
};

// A half-open range of keys [lower, upper) in unsigned bytewise order. An absent
// end is unbounded; "" is a real bound.
struct KeyRange {
  std::optional<std::string_view> lower = {};
  std::optional<std::string_view> upper = {};
};

// What LoadOrStore() answers.
struct LoadOrStoreResult {
  std::string value;   // The value the key has now.
  bool loaded;         // True if the key was there already; false if this call stored.
  CommitTs commit_ts;  // The commit that wrote `value`.
};

// What Swap() and LoadAndDelete() answer.
struct ExchangeResult {
  std::optional<std::string> old;  // The value before; std::nullopt if there was none.
  CommitTs commit_ts;              // This call's own commit.
};

}  // namespace firn

#endif  // FIRN_TYPES_H_
