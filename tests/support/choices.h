// What a test that makes things up at random asks: which of so many?
#ifndef FIRN_TESTS_SUPPORT_CHOICES_H_
#define FIRN_TESTS_SUPPORT_CHOICES_H_

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>

namespace firn::test {

// Choices come from a seed (random.h) or from the bytes of a fuzzer's input: whoever draws from
// them serves both.
// Thread-safety: one thread at a time.
class Choices {
 public:
  virtual ~Choices() = default;

  // In [0, count). Requires: count > 0.
  virtual uint64_t Below(uint64_t count) = 0;
  // In [low, high].
  uint64_t Between(uint64_t low, uint64_t high) { return low + Below(high - low + 1); }
  bool OneIn(uint64_t count) { return Below(count) == 0; }

  template <class Container>
  auto& Pick(Container& container) {
    return container[static_cast<size_t>(Below(std::size(container)))];
  }
};

// Takes each choice from the front of `bytes`, in as few of them as it needs, so that a small
// change of the bytes is a small change of what comes of them. Without bytes: always the first.
// Lifetime: the bytes outlive it.
class ByteChoices final : public Choices {
 public:
  explicit ByteChoices(std::string_view bytes) : bytes_(bytes) {}

  bool empty() const { return bytes_.empty(); }
  uint64_t Below(uint64_t count) override {
    uint64_t number = 0;
    for (uint64_t reach = count - 1; reach > 0 && !bytes_.empty(); reach >>= 8) {
      number = number << 8 | static_cast<unsigned char>(bytes_.front());
      bytes_.remove_prefix(1);
    }
    return number % count;
  }
  // The next bytes as they are, up to `size`.
  std::string_view Bytes(size_t size) {
    const std::string_view front = bytes_.substr(0, size);
    bytes_.remove_prefix(front.size());
    return front;
  }

 private:
  std::string_view bytes_;
};

}  // namespace firn::test

#endif  // FIRN_TESTS_SUPPORT_CHOICES_H_
