#include "tests/support/key_pool.h"

#include <utility>

#include "firn/types.h"
#include "tests/support/test_db.h"

namespace firn::test {
namespace {

using std::string_literals::operator""s;

std::vector<std::string> ShortKeys() {
  std::vector<std::string> keys;
  for (char letter = 'a'; letter < 'a' + 10; ++letter) keys.emplace_back(1, letter);
  return keys;
}

// Every end of the byte order, and keys that are prefixes of others.
std::vector<std::string> KeysAtTheEnds() {
  return {""s,
          "\0"s,
          "\0\0"s,
          "\0\1"s,
          "\1"s,
          "a"s,
          "a\0"s,
          "a\0\0"s,
          "a\xff"s,
          "aa"s,
          "b"s,
          "\x7f"s,
          "\x80"s,
          "\xfe\xff"s,
          "\xff"s,
          "\xff\0"s,
          "\xff\xff"s,
          "\xff\xff\xff\xff"s,
          "\xff\xff\xff\xff\xff"s};
}

// A long shared prefix, and what sorts around it.
std::vector<std::string> KeysWithPrefix(size_t bytes) {
  const std::string prefix(bytes, 'p');
  std::vector<std::string> keys = {prefix, prefix.substr(1), prefix + '\0', prefix + '\xff',
                                   prefix + "\xff\xff"};
  for (int i = 0; i < 20; ++i) keys.push_back(prefix + std::to_string(i * 7));
  return keys;
}

// So many that there are inner nodes.
std::vector<std::string> NumberedKeys(size_t count) {
  std::vector<std::string> keys;
  for (size_t i = 0; i < count; ++i) keys.push_back(NumberedKey(i));
  return keys;
}

}  // namespace

KeyPool::KeyPool(Choices& choices) : choices_(choices) {
  switch (choices_.Below(5)) {
    case 0:
      keys_ = ShortKeys();
      break;
    case 1:
      keys_ = KeysAtTheEnds();
      break;
    case 2:
      keys_ = KeysWithPrefix(choices_.Between(20, 300));
      break;
    default:
      keys_ = NumberedKeys(choices_.Between(20, 80));
      break;
  }
  if (choices_.Below(20) == 19) {
    const std::string longest(kMaxKeyBytes, 'k');
    keys_.push_back(longest);
    keys_.push_back(longest.substr(1) + 'l');
    keys_.push_back(longest.substr(1) + '\0');
  }
}

std::string KeyPool::Target() {
  std::string target = Key();
  switch (choices_.Below(6)) {
    case 0:
      target += '\0';
      break;
    case 1:
      if (!target.empty()) target.pop_back();
      break;
    case 2:
      if (!target.empty()) ++target.back();
      break;
    case 3: {
      const size_t bytes = choices_.Below(4);
      target.assign(bytes, static_cast<char>(choices_.Below(256)));
      break;
    }
    default:
      break;
  }
  return target;
}

Bounds KeyPool::Range() {
  std::string lower = Target();
  std::string upper = Target();
  if (lower > upper) std::swap(lower, upper);
  Bounds range;
  if (!choices_.OneIn(5)) range.lower = std::move(lower);
  if (!choices_.OneIn(5)) range.upper = std::move(upper);
  return range;
}

Bounds KeyPool::AnyBounds() {
  Bounds bounds;
  if (choices_.OneIn(2)) bounds.lower = Target();
  if (choices_.OneIn(2)) bounds.upper = Target();
  if (bounds.crossed() && !choices_.OneIn(8)) std::swap(bounds.lower, bounds.upper);
  bounds.lower_inclusive = !choices_.OneIn(4);
  bounds.upper_inclusive = choices_.OneIn(4);
  if (choices_.OneIn(4)) {
    const std::string& key = Key();
    bounds.prefix = key.substr(0, choices_.Below(key.size() + 1));
  }
  bounds.keys_only = choices_.OneIn(8);
  return bounds;
}

}  // namespace firn::test
