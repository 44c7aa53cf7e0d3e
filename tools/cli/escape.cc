#include "tools/cli/escape.h"

#include <cstddef>
#include <cstdint>

namespace firn::tools {
namespace {

constexpr char kDigits[] = "0123456789abcdef";

struct Character {
  size_t size = 0;  // 0: not UTF-8.
  uint32_t code = 0;
};

// The character that `bytes` begin with; neither overlong forms nor surrogates are UTF-8.
Character Decode(std::string_view bytes) {
  const auto at = [&](size_t i) { return static_cast<uint8_t>(bytes[i]); };
  const uint8_t first = at(0);
  if (first < 0x80) return {1, first};
  const size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || bytes.size() < size) return {};
  uint32_t code = first & (0xff >> (size + 1));
  for (size_t i = 1; i < size; ++i) {
    if ((at(i) & 0xc0) != 0x80) return {};
    code = code << 6 | (at(i) & 0x3f);
  }
  constexpr uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = code >= 0xd800 && code < 0xe000;
  if (code < kLeast[size] || code > 0x10ffff || surrogate) return {};
  return {size, code};
}

bool IsHarmless(uint32_t code) {
  if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return false;  // C0, DEL, C1.
  if (code == 0xad || code == 0x61c || code == 0x180e || code == 0xfeff) return false;
  if (code >= 0x200b && code <= 0x200f) return false;  // Zero-width, marks of direction.
  if (code >= 0x2028 && code <= 0x202e) return false;  // Line ends, embeddings, overrides.
  if (code >= 0x2060 && code <= 0x206f) return false;  // Joiners, isolates.
  if (code >= 0xe000 && code <= 0xf8ff) return false;  // Private use.
  return code < 0xe0000;                               // Tags, planes of private use.
}

int DigitOf(char character) {
  if (character >= '0' && character <= '9') return character - '0';
  if (character >= 'a' && character <= 'f') return character - 'a' + 10;
  if (character >= 'A' && character <= 'F') return character - 'A' + 10;
  return -1;
}

void AppendHex(std::string& text, char byte) {
  text += kDigits[static_cast<uint8_t>(byte) >> 4];
  text += kDigits[static_cast<uint8_t>(byte) & 15];
}

// The byte of two digits; -1 if they are none.
int ByteOf(std::string_view digits) {
  if (digits.size() < 2) return -1;
  const int high = DigitOf(digits[0]);
  const int low = DigitOf(digits[1]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

}  // namespace

std::string Escaped(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size());
  while (!bytes.empty()) {
    const Character character = Decode(bytes);
    const size_t size = character.size == 0 ? 1 : character.size;
    if (bytes[0] == '\\') {
      text += "\\\\";
    } else if (character.size != 0 && IsHarmless(character.code)) {
      text += bytes.substr(0, size);
    } else {
      for (const char byte : bytes.substr(0, size)) {
        text += "\\x";
        AppendHex(text, byte);
      }
    }
    bytes.remove_prefix(size);
  }
  return text;
}

std::optional<std::string> Unescaped(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size());
  while (!text.empty()) {
    if (text[0] != '\\') {
      bytes += text[0];
      text.remove_prefix(1);
      continue;
    }
    if (text.size() < 2) return std::nullopt;
    size_t size = 2;
    switch (text[1]) {
      case '\\':
        bytes += '\\';
        break;
      case 't':
        bytes += '\t';
        break;
      case 'n':
        bytes += '\n';
        break;
      case 'r':
        bytes += '\r';
        break;
      case 'x': {
        const int byte = ByteOf(text.substr(2));
        if (byte < 0) return std::nullopt;
        bytes += static_cast<char>(byte);
        size = 4;
        break;
      }
      default:
        return std::nullopt;
    }
    text.remove_prefix(size);
  }
  return bytes;
}

std::string ToHex(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const char byte : bytes) AppendHex(text, byte);
  return text;
}

std::optional<std::string> FromHex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  std::string bytes;
  bytes.reserve(text.size() / 2);
  for (; !text.empty(); text.remove_prefix(2)) {
    const int byte = ByteOf(text);
    if (byte < 0) return std::nullopt;
    bytes += static_cast<char>(byte);
  }
  return bytes;
}

bool IsUtf8(std::string_view bytes) {
  while (!bytes.empty()) {
    const size_t size = Decode(bytes).size;
    if (size == 0) return false;
    bytes.remove_prefix(size);
  }
  return true;
}

}  // namespace firn::tools
