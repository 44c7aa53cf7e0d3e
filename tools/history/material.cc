#include "tools/history/material.h"

#include <algorithm>
#include <charconv>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace firn::history {
namespace {

constexpr size_t kKeyHeadBytes = 7;  // "k000042"

size_t PaddingBytes(ValueId id) {
  const ValueId mixed = (id ^ (id >> 40)) * 0x9E3779B97F4A7C15u >> 32;
  return mixed % 8 == 0 ? 64 + mixed % 61 : mixed % 23;
}
char PaddingByte(ValueId id) { return static_cast<char>(id * 31 % 256); }

}  // namespace

KeySet::KeySet(size_t count) {
  keys_.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    std::string key = absl::StrFormat("k%06d", i);
    key.append(i % 5 == 0 ? 9 : i % 3, static_cast<char>(i % 2 == 0 ? '\xff' : '\0'));
    keys_.push_back(std::move(key));
  }
}

KeyIndex KeySet::IndexOf(std::string_view key) const {
  if (key.size() < kKeyHeadBytes) return kNoKey;
  KeyIndex index = 0;
  const char* const end = key.data() + kKeyHeadBytes;
  const auto [parsed, error] = std::from_chars(key.data() + 1, end, index);
  if (error != std::errc() || parsed != end || index >= keys_.size()) return kNoKey;
  return keys_[index] == key ? index : kNoKey;
}

std::optional<std::string_view> KeySet::LowerBound(KeySpan span) const {
  if (span.lower == 0) return std::nullopt;
  return keys_[span.lower];
}

std::optional<std::string_view> KeySet::UpperBound(KeySpan span) const {
  if (span.upper >= keys_.size()) return std::nullopt;
  return keys_[span.upper];
}

std::string ValueBytes(ValueId id) {
  std::string bytes = absl::StrCat(absl::Hex(id), ":");
  bytes.append(PaddingBytes(id), PaddingByte(id));
  return bytes;
}

ValueId IdOfValue(std::string_view bytes) {
  ValueId id = 0;
  const char* const end = bytes.data() + bytes.size();
  const auto [parsed, error] = std::from_chars(bytes.data(), end, id, 16);
  if (error != std::errc() || parsed == end || *parsed != ':') return kGarbled;
  const std::string_view padding(parsed + 1, static_cast<size_t>(end - parsed - 1));
  const bool whole =
      padding.size() == PaddingBytes(id) &&
      std::all_of(padding.begin(), padding.end(), [&](char c) { return c == PaddingByte(id); });
  return whole ? id : kGarbled;
}

ValueId IdOrAbsent(const std::optional<std::string>& value) {
  return value ? IdOfValue(*value) : kAbsent;
}

std::optional<std::string> BytesOrAbsent(ValueId id) {
  if (id == kAbsent) return std::nullopt;
  return ValueBytes(id);
}

std::string ValueName(ValueId id) {
  if (id == kAbsent) return "absent";
  if (id == kGarbled) return "bytes that nobody wrote";
  return absl::StrCat("value ", (id >> 40) - 1, ":", id & ((ValueId{1} << 40) - 1));
}

}  // namespace firn::history
