#include "tests/support/checking_cursor.h"

#include <algorithm>
#include <string>
#include <utility>

#include "gtest/gtest.h"
#include "tests/support/oracle.h"

namespace firn::test {

// Each in a block of its own, of its exact size, so that AddressSanitizer sees a read
// behind the end as well as one after the move.
struct CheckingCursor::Copies {
  class Copy {
   public:
    explicit Copy(std::string_view bytes) : bytes_(new char[bytes.size()]), size_(bytes.size()) {
      std::copy(bytes.begin(), bytes.end(), bytes_.get());
    }
    ~Copy() { std::fill_n(const_cast<volatile char*>(bytes_.get()), size_, '\xEE'); }
    Copy(const Copy&) = delete;
    Copy& operator=(const Copy&) = delete;
    std::string_view view() const { return {bytes_.get(), size_}; }

   private:
    std::unique_ptr<char[]> bytes_;
    size_t size_;
  };

  Copy key;
  Copy value;
};

CheckingCursor::CheckingCursor(Iterator iterator) : iterator_(std::move(iterator)) {}

CheckingCursor::CheckingCursor(CheckingCursor&& other) noexcept = default;

CheckingCursor& CheckingCursor::operator=(CheckingCursor&& other) noexcept {
  ExpireViews();
  iterator_ = std::move(other.iterator_);
  copies_ = std::move(other.copies_);
  return *this;
}

CheckingCursor::~CheckingCursor() { ExpireViews(); }

void CheckingCursor::Seek(std::string_view target) {
  const std::string own_target(target);  // It may be a view of this very cursor.
  ExpireViews();
  iterator_.Seek(own_target);
  CheckState();
}

void CheckingCursor::SeekForPrev(std::string_view target) {
  const std::string own_target(target);
  ExpireViews();
  iterator_.SeekForPrev(own_target);
  CheckState();
}

void CheckingCursor::SeekToFirst() {
  ExpireViews();
  iterator_.SeekToFirst();
  CheckState();
}

void CheckingCursor::SeekToLast() {
  ExpireViews();
  iterator_.SeekToLast();
  CheckState();
}

void CheckingCursor::Next() {
  ExpireViews();
  iterator_.Next();
  CheckState();
}

void CheckingCursor::Prev() {
  ExpireViews();
  iterator_.Prev();
  CheckState();
}

std::string_view CheckingCursor::key() const { return CopiesOfEntry().key.view(); }
std::string_view CheckingCursor::value() const { return CopiesOfEntry().value.view(); }

absl::Status CheckingCursor::Refresh() {
  ExpireViews();
  return iterator_.Refresh();
}

const CheckingCursor::Copies& CheckingCursor::CopiesOfEntry() const {
  if (copies_ == nullptr) {
    copies_.reset(new Copies{Copies::Copy(iterator_.key()), Copies::Copy(iterator_.value())});
  }
  return *copies_;
}

void CheckingCursor::ExpireViews() {
  if (copies_ == nullptr) return;
  EXPECT_TRUE(iterator_.Valid()) << "the iterator lost its entry without being moved";
  if (iterator_.Valid()) {
    EXPECT_EQ(Printable(iterator_.key()), Printable(copies_->key.view()));
    EXPECT_TRUE(iterator_.key() == copies_->key.view()) << "the key's bytes have changed";
    EXPECT_TRUE(iterator_.value() == copies_->value.view())
        << "the value's bytes have changed under key " << Printable(copies_->key.view());
  }
  copies_.reset();
}

void CheckingCursor::CheckState() const {
  if (!iterator_.Valid()) return;
  EXPECT_TRUE(iterator_.status().ok()) << iterator_.status();
  const std::optional<CommitTs> read_ts = iterator_.read_ts();
  EXPECT_TRUE(read_ts.has_value()) << "a position without a moment";
  EXPECT_LE(iterator_.commit_ts(), read_ts.value_or(kMaxCommitTs));
}

}  // namespace firn::test
