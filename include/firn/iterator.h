// An Iterator walks the keys of one frozen moment.
#ifndef FIRN_ITERATOR_H_
#define FIRN_ITERATOR_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "absl/base/attributes.h"
#include "absl/status/status.h"
#include "firn/export.h"
#include "firn/options.h"
#include "firn/types.h"

namespace firn {

namespace internal {
class SnapshotIterator;

// One entry that an iterator has ready: plain views into immutable memory.
struct ReadyEntry {
  const char* key;
  const char* value;
  uint32_t key_size;
  uint32_t value_size;
};
}  // namespace internal

// An Iterator walks the keys of one snapshot in unsigned bytewise order, both ways.
//
// One made from a Snapshot reads that snapshot. One made from a Db anchors at its
// first Seek*() and stays frozen there until Refresh().
//
// position      Valid()  Next()            Prev()
// Unpositioned  false    no effect         no effect
// At            true     next entry        previous entry
// BeforeFirst   false    first entry       no effect
// AfterLast     false    no effect         last entry
// Failed        false    no effect         no effect
//
// A new iterator is Unpositioned. Running off an end gives BeforeFirst or AfterLast.
//
// Thread-safety: one thread at a time; separate iterators are independent.
// Lifetime: shares its Snapshot's pin; either may be closed first, and the Db too.
//     Views from key() and value() end at this iterator's next call; nothing done to
//     the Db ends them. Holds its snapshot's versions and the one leaf it stands in.
// Errors: sticky. After a failure Valid() is false, status() says why, and Next() and
//     Prev() do nothing. Any Seek*() clears an error whose cause is gone (crossed
//     bounds, Close and moved-from stay). After Db::Close() an iterator may finish the
//     entries it has ready and then fails.
class FIRN_EXPORT Iterator {
 public:
  Iterator(Iterator&& other) noexcept;
  Iterator& operator=(Iterator&& other) noexcept;
  ~Iterator();

  bool Valid() const { return at_ != nullptr; }
  absl::Status status() const;

  // Moves to the first visible key >= target within the bounds.
  void Seek(std::string_view target);
  // Moves to the last visible key <= target within the bounds.
  void SeekForPrev(std::string_view target);
  void SeekToFirst();
  void SeekToLast();

  void Next() {
    if (at_ != last_ready_) {
      ++at_;
    } else {
      MoveForward();
    }
  }
  void Prev() {
    if (at_ != first_ready_) {
      --at_;
    } else {
      MoveBackward();
    }
  }

  // Requires: Valid().
  std::string_view key() const ABSL_ATTRIBUTE_LIFETIME_BOUND { return {at_->key, at_->key_size}; }
  // Requires: Valid(). Empty with IteratorOptions::keys_only.
  std::string_view value() const ABSL_ATTRIBUTE_LIFETIME_BOUND {
    return {at_->value, at_->value_size};
  }
  // The commit that wrote this entry. Requires: Valid().
  CommitTs commit_ts() const;

  // Drops the anchor and the position of an iterator made from a Db: the next Seek*()
  // anchors anew. On a snapshot's iterator: kFailedPrecondition, and nothing changes.
  absl::Status Refresh();

  // A second iterator with the same snapshot, bounds and position. A clone of an
  // iterator that is not anchored yet anchors on its own.
  Iterator Clone() const;

  // The timestamp this iterator reads at; absent before a Db iterator's first Seek*().
  std::optional<CommitTs> read_ts() const;

 private:
  friend class internal::SnapshotIterator;
  Iterator(std::unique_ptr<internal::SnapshotIterator> impl, absl::Status refused);

  void MoveForward();
  void MoveBackward();
  // Takes over the window that a move left behind: stands on its first or its last entry.
  void LandOnFirst(bool found);
  void LandOnLast(bool found);

  // The ready window: entries [first_ready_, last_ready_] may be stepped over inline.
  // All three are null unless the position is At.
  const internal::ReadyEntry* at_ = nullptr;
  const internal::ReadyEntry* first_ready_ = nullptr;
  const internal::ReadyEntry* last_ready_ = nullptr;
  std::unique_ptr<internal::SnapshotIterator> impl_;  // Null when refused or moved from.
  absl::Status refused_;
};

// An EntryRange is what a range-for walks: for (auto [key, value] : snapshot.Range("a", "z")).
// Ask status() after the loop: a failed range ends early.
class FIRN_EXPORT EntryRange {
 public:
  class Cursor {
   public:
    using value_type = KeyValue;
    using difference_type = std::ptrdiff_t;
    explicit Cursor(Iterator* iterator) : iterator_(iterator) {}
    KeyValue operator*() const { return {iterator_->key(), iterator_->value()}; }
    Cursor& operator++() {
      iterator_->Next();
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(std::nullptr_t) const { return !iterator_->Valid(); }

   private:
    Iterator* iterator_;
  };

  explicit EntryRange(Iterator iterator) : iterator_(std::move(iterator)) {}
  Cursor begin() {
    iterator_.SeekToFirst();
    return Cursor(&iterator_);
  }
  std::nullptr_t end() const { return nullptr; }
  absl::Status status() const { return iterator_.status(); }

 private:
  Iterator iterator_;
};

}  // namespace firn

#endif  // FIRN_ITERATOR_H_
