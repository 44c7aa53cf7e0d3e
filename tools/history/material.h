// The keys and values of recorded runs, and back from their bytes.
#ifndef FIRN_TOOLS_HISTORY_MATERIAL_H_
#define FIRN_TOOLS_HISTORY_MATERIAL_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "firn/types.h"
#include "tools/history/history.h"

namespace firn::history {

inline constexpr std::string_view kAboveAllKeys = "l";

// The keys of a run, in order. They differ in length and end in bytes of every kind.
// Thread-safety: immutable.
class KeySet {
 public:
  explicit KeySet(size_t count);

  size_t size() const { return keys_.size(); }
  KeySpan all() const { return {0, static_cast<KeyIndex>(keys_.size())}; }
  const std::string& key(KeyIndex index) const { return keys_[index]; }
  // kNoKey if it is none of them.
  KeyIndex IndexOf(std::string_view key) const;
  // A bound of a range: absent at either end of the keys.
  std::optional<std::string_view> LowerBound(KeySpan span) const;
  std::optional<std::string_view> UpperBound(KeySpan span) const;
  KeyRange Range(KeySpan span) const { return {LowerBound(span), UpperBound(span)}; }

 private:
  std::vector<std::string> keys_;
};

// The bytes of a value: every one of them follows from the id. Most are short, some so long that
// they stand outside of blocks.
std::string ValueBytes(ValueId id);
// The id of a value's bytes: kGarbled unless they are exactly ValueBytes(id).
ValueId IdOfValue(std::string_view bytes);
ValueId IdOrAbsent(const std::optional<std::string>& value);
std::optional<std::string> BytesOrAbsent(ValueId id);

// The id of a client's n-th value, and who wrote it.
constexpr ValueId ValueOf(uint32_t client, uint64_t number) {
  return (ValueId{client} + 1) << 40 | number;
}
std::string ValueName(ValueId id);  // "value 3:1729", "absent".

}  // namespace firn::history

#endif  // FIRN_TOOLS_HISTORY_MATERIAL_H_
