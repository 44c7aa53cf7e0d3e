#include "tools/matrix/cell_plan.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace firn::matrix {
namespace {

constexpr int kFirstInside = 4;
constexpr int kFirstOutside = 15;
constexpr int kCursorPlace = 8;
constexpr int kFillers = 24;

Commit Put(std::string key, std::string value) {
  Commit commit;
  commit.batch.push_back({std::move(key), std::move(value)});
  return commit;
}
Commit Delete(std::string key) {
  Commit commit;
  commit.batch.push_back({std::move(key), std::nullopt});
  return commit;
}

}  // namespace

CellPlan::CellPlan(const Cell& cell, std::string prefix, uint64_t seed)
    : cell_(cell),
      prefix_(std::move(prefix)),
      seed_(seed),
      backward_(cell.direction == Direction::kBackward) {
  ChooseBounds();
  ChoosePlaces();
  ChooseLoads();
  ChooseChange();
  ChooseReshape();
  asked_keys_ = {
      changed_key_, KeyAt(kCursorPlace), KeyAt(kCursorPlace + 1), KeyAt(kCursorPlace - 2),
      KeyAt(0),     KeyAfter(3)};
}

std::string CellPlan::Key(int index) const {
  return absl::StrFormat("%s%03d", prefix_, index * 10 + 100);
}
std::string CellPlan::KeyBetween(int index) const { return Key(index) + "+"; }

std::string CellPlan::KeyAt(int place) const { return Key(backward_ ? kKeys - 1 - place : place); }

std::string CellPlan::KeyAfter(int place) const {
  return KeyBetween(backward_ ? kKeys - 2 - place : place);
}

std::vector<std::string> CellPlan::line() const {
  std::vector<std::string> keys = {changed_key_};
  for (int i = 0; i < kKeys; ++i) {
    keys.push_back(Key(i));
    keys.push_back(KeyBetween(i));
  }
  if (has_pair()) {
    keys.push_back(PairKeys().first);
    keys.push_back(PairKeys().second);
  }
  return keys;
}

// Some values are long: engines keep those elsewhere.
std::string CellPlan::Value(size_t version, uint64_t salt) const {
  std::string value = absl::StrCat("v", version, ".", salt);
  if ((seed_ + salt) % 5 == 0) value.append(100, static_cast<char>('a' + version % 26));
  return value;
}

void CellPlan::ChooseBounds() {
  if (cell_.position == Position::kInsideBounds || cell_.position == Position::kOutsideBounds) {
    bounds_ = {Key(kFirstInside), Key(kFirstOutside)};
  } else {
    bounds_ = whole();
  }
}

Bounds CellPlan::whole() const {
  Bounds bounds;
  if (prefix_.empty()) return bounds;
  if (cell_.position != Position::kBeforeFirst) bounds.lower = prefix_;
  if (cell_.position != Position::kAfterLast) bounds.upper = prefix_ + "~";
  return bounds;
}

void CellPlan::ChoosePlaces() {
  const bool bounded =
      cell_.position == Position::kInsideBounds || cell_.position == Position::kOutsideBounds;
  const int first = !bounded ? 0 : backward_ ? kKeys - kFirstOutside : kFirstInside;
  const int last = !bounded ? kKeys - 1 : backward_ ? kKeys - 1 - kFirstInside : kFirstOutside - 1;
  const bool loops = cell_.reader == Reader::kRangeFor || cell_.reader == Reader::kCallback;
  cursor_place_ = cell_.moment == Moment::kAtEnd                ? last
                  : loops && cell_.moment == Moment::kAfterSeek ? first
                                                                : kCursorPlace;
  const bool inserts = cell_.change == Change::kInsert;
  const auto choose = [&](int place, int place_before_insert) {
    changed_key_ = inserts ? KeyAfter(place_before_insert) : KeyAt(place);
  };
  // At the end of the walk.
  const auto by_bound = [&](int index) { changed_key_ = inserts ? KeyBetween(index) : Key(index); };
  const int at = cursor_place_;
  switch (cell_.position) {
    case Position::kBehind:
      choose(at - 3, at - 4);
      break;
    case Position::kAtCursor:
    case Position::kEverywhere:
      choose(at, at - 1);
      break;
    case Position::kNext:
      choose(at + 1, at);
      break;
    case Position::kFurtherOn:
      choose(at + 4, at + 4);
      break;
    case Position::kOtherLeaf:
      cell_.moment == Moment::kAtEnd ? choose(1, 0) : choose(17, 16);
      break;
    case Position::kBeforeFirst:
      changed_key_ = prefix_ + "000";
      break;
    case Position::kAfterLast:
      changed_key_ = prefix_ + "999";
      break;
    case Position::kInsideBounds:
      by_bound(backward_ ? kFirstInside : kFirstOutside - 1);
      break;
    case Position::kOutsideBounds:
      by_bound(backward_ ? kFirstInside - 1 : kFirstOutside);
      break;
  }
  seek_target_ = cell_.position == Position::kAtCursor ? changed_key_ : KeyAt(cursor_place_);
  half_way_ = KeyAt(cursor_place_);
}

void CellPlan::ChooseLoads() {
  for (int i = 0; i < kKeys; ++i) {
    const std::string key = Key(i);
    load_.batch.push_back({key, Value(0, static_cast<uint64_t>(i))});
    const bool again =
        cell_.layout == Layout::kFresh ||
        (cell_.layout == Layout::kBoth ? i % 2 == 0 && key != changed_key_ : i % 3 == 0);
    if (again) load_again_.batch.push_back({key, Value(1, static_cast<uint64_t>(i))});
  }
  if (!has_pair()) return;
  for (const Operation& each : PairCommit(0).batch) load_.batch.push_back(each);
}

void CellPlan::ChooseChange() {
  const Commit put = Put(changed_key_, Value(2, 100));
  switch (cell_.change) {
    case Change::kInsert:
    case Change::kOverwrite:
      change_ = {put};
      break;
    case Change::kDelete:
      change_ = {Delete(changed_key_)};
      break;
    case Change::kDeleteThenReinsert:
      change_ = {Delete(changed_key_), put};
      break;
    case Change::kOverwriteTwice:
      change_ = {put, Put(changed_key_, Value(3, 101))};
      break;
    case Change::kSameValue:
      for (const Commit* loaded : {&load_, &load_again_}) {
        for (const Operation& each : loaded->batch) {
          if (each.key == changed_key_) change_ = {Put(each.key, *each.value)};
        }
      }
      break;
    case Change::kBatch:
      change_ = {BatchChange()};
      break;
    case Change::kRangeDelete:
      change_ = {RangeDeleteChange()};
      break;
    case Change::kClear:
      change_.emplace_back().kind = Commit::Kind::kClear;
      break;
    case Change::kCompareAndSwap:
      change_ = {put};
      change_.front().kind = Commit::Kind::kCompareAndSwap;
      break;
  }
}

// A key on each side of the cursor goes, comes or changes with the changed key.
Commit CellPlan::BatchChange() const {
  Commit batch;
  batch.batch = {{KeyAt(std::max(cursor_place_ - 2, 0)), std::nullopt},
                 {KeyAfter(std::min(cursor_place_ + 2, kKeys - 2)), Value(2, 101)},
                 {KeyAt(std::min(cursor_place_ + 3, kKeys - 1)), Value(2, 102)}};
  std::erase_if(batch.batch, [this](const Operation& each) { return each.key == changed_key_; });
  batch.batch.push_back({changed_key_, Value(2, 100)});
  return batch;
}

// The changed key and the one after it.
Commit CellPlan::RangeDeleteChange() const {
  Commit range;
  range.kind = Commit::Kind::kDeleteRange;
  range.lower = changed_key_;
  range.upper = prefix_ + "9999";
  int keys_above = 0;
  for (int i = 0; i < kKeys && keys_above < 2; ++i) {
    if (Key(i) > changed_key_ && ++keys_above == 2) range.upper = Key(i);
  }
  return range;
}

// Fills the changed key's leaf right beside the key. The fillers come after every snapshot, so that
// nobody keeps a leaf from merging when they go.
void CellPlan::ChooseReshape() {
  if (cell_.layout != Layout::kSplit && cell_.layout != Layout::kMerged) return;
  Commit fill, drain;
  for (int i = 0; i < kFillers; ++i) {
    const std::string key = absl::StrFormat("%s.%02d", changed_key_, i);
    fill.batch.push_back({key, Value(0, static_cast<uint64_t>(200 + i))});
    drain.batch.push_back({key, std::nullopt});
  }
  reshape_ = {std::move(fill)};
  if (cell_.layout == Layout::kMerged) reshape_.push_back(std::move(drain));
}

Commit CellPlan::Overwrite(size_t version) const {
  return Put(changed_key_, Value(version, 100 + version));
}
Commit CellPlan::OverwriteOther(size_t version) const {
  return Put(changed_key_ == Key(2) ? Key(3) : Key(2), Value(version, 2));
}

Commit CellPlan::AnyCommit(uint64_t random) const {
  const int index = static_cast<int>(random % kKeys);
  const uint64_t choice = random / kKeys % 3;
  const std::string key = choice == 1 ? KeyBetween(index) : Key(index);
  return choice == 2 ? Delete(key) : Put(key, Value(4, random % 1000));
}

bool CellPlan::has_pair() const {
  return cell_.writer == Writer::kStorm && cell_.change != Change::kRangeDelete;
}
// Where no position is: see ChoosePlaces().
std::pair<std::string, std::string> CellPlan::PairKeys() const {
  return {prefix_ + "125", prefix_ + "265"};
}
Commit CellPlan::PairCommit(uint64_t token) const {
  const auto [first, second] = PairKeys();
  Commit commit;
  commit.batch = {{first, absl::StrCat(token)}, {second, absl::StrCat(token)}};
  return commit;
}

}  // namespace firn::matrix
