// An Iterator under observation.
#ifndef FIRN_TESTS_SUPPORT_CHECKING_CURSOR_H_
#define FIRN_TESTS_SUPPORT_CHECKING_CURSOR_H_

#include <memory>
#include <optional>
#include <string_view>

#include "absl/status/status.h"
#include "firn/iterator.h"

namespace firn::test {

// A CheckingCursor passes every call on to its Iterator and checks both sides:
//  - its user: key() and value() show private copies, overwritten and freed at the next
//    move, so that a view kept too long fails at once;
//  - the engine: just before each move the iterator must still show the very bytes it
//    showed first, whatever happened to the Db since; Valid() and status() must agree;
//    no entry may be newer than the moment read.
//
// Thread-safety, lifetime: as its Iterator.
class CheckingCursor {
 public:
  explicit CheckingCursor(Iterator iterator);
  CheckingCursor(CheckingCursor&& other) noexcept;
  CheckingCursor& operator=(CheckingCursor&& other) noexcept;
  ~CheckingCursor();

  bool Valid() const { return iterator_.Valid(); }
  absl::Status status() const { return iterator_.status(); }

  void Seek(std::string_view target);
  void SeekForPrev(std::string_view target);
  void SeekToFirst();
  void SeekToLast();
  void Next();
  void Prev();

  std::string_view key() const;
  std::string_view value() const;
  CommitTs commit_ts() const { return iterator_.commit_ts(); }
  std::optional<CommitTs> read_ts() const { return iterator_.read_ts(); }

  absl::Status Refresh();
  CheckingCursor Clone() const { return CheckingCursor(iterator_.Clone()); }

 private:
  struct Copies;

  const Copies& CopiesOfEntry() const;
  void ExpireViews();
  void CheckState() const;

  Iterator iterator_;
  mutable std::unique_ptr<Copies> copies_;  // Null until key() or value() is asked.
};

}  // namespace firn::test

#endif  // FIRN_TESTS_SUPPORT_CHECKING_CURSOR_H_
