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
    : cell_(cell), prefix_(std::move(prefix)), seed_(seed) {
  ChooseBounds();
  ChoosePlaces();
  ChooseLoads();
  ChooseChange();
  ChooseReshape();
  asked_keys_ = {changed_key_, KeyAt(cursor_place_), KeyAt(kCursorPlace + 1), KeyAt(0),
                 KeyAfter(3)};
}

std::string CellPlan::Key(int index) const { return absl::StrFormat("%s%03d", prefix_, index * 10 + 100); }
std::string CellPlan::KeyBetween(int index) const { return Key(index) + "+"; }

std::string CellPlan::KeyAt(int place) const {
  return Key(cell_.direction == Direction::kBackward ? kKeys - 1 - place : place);
}

std::string CellPlan::KeyAfter(int place) const {
  return KeyBetween(cell_.direction == Direction::kBackward ? kKeys - 2 - place : place);
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
  } else if (!prefix_.empty()) {
    bounds_ = {prefix_, prefix_ + "~"};
  }
}

void CellPlan::ChoosePlaces() {
  const bool bounded = bounds_.lower && prefix_ != *bounds_.lower;
  const bool backward = cell_.direction == Direction::kBackward;
  const int first = !bounded ? 0 : backward ? kKeys - kFirstOutside : kFirstInside;
  const int last = !bounded ? kKeys - 1 : backward ? kKeys - 1 - kFirstInside : kFirstOutside - 1;
  const bool loops = cell_.reader == Reader::kRangeFor || cell_.reader == Reader::kCallback;
  cursor_place_ = cell_.moment == Moment::kAtEnd                ? last
                  : loops && cell_.moment == Moment::kAfterSeek ? first
                                                                : kCursorPlace;
  const bool inserts = cell_.change == Change::kInsert;
  const auto choose = [&](int place, int place_before_insert) {
    changed_place_ = inserts ? place_before_insert : place;
    changed_key_ = inserts ? KeyAfter(place_before_insert) : KeyAt(place);
  };
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
    case Position::kAfterLast:
      changed_key_ = prefix_ + (cell_.position == Position::kBeforeFirst ? "000" : "999");
      changed_place_ = at;
      break;
    case Position::kInsideBounds:
      changed_key_ = inserts ? KeyBetween(kFirstOutside - 1) : Key(kFirstInside);
      changed_place_ = inserts ? 12 : 6;
      break;
    case Position::kOutsideBounds:
      changed_key_ = inserts ? KeyBetween(kFirstInside - 1) : Key(kFirstOutside);
      changed_place_ = inserts ? 6 : 12;
      break;
  }
  seek_target_ = cell_.position == Position::kAtCursor ? changed_key_ : KeyAt(cursor_place_);
  half_way_ = KeyAt(cursor_place_);
}

void CellPlan::ChooseLoads() {
  for (int i = 0; i < kKeys; ++i) {
    load_.batch.push_back({Key(i), Value(0, static_cast<uint64_t>(i))});
    const bool again = cell_.layout == Layout::kFresh ||
                       (cell_.layout == Layout::kBoth ? i % 2 == 0 : i % 3 == 0);
    if (again) load_again_.batch.push_back({Key(i), Value(1, static_cast<uint64_t>(i))});
  }
}

void CellPlan::ChooseChange() {
  switch (cell_.change) {
    case Change::kInsert:
      change_ = {Put(changed_key_, Value(2, 100))};
      break;
    case Change::kDelete:
      change_ = {Delete(changed_key_)};
      break;
    case Change::kOverwrite:
      change_ = {Put(changed_key_, Value(2, 100))};
      break;
    case Change::kDeleteThenReinsert:
      change_ = {Delete(changed_key_), Put(changed_key_, Value(2, 100))};
      break;
    case Change::kOverwriteTwice:
      change_ = {Put(changed_key_, Value(2, 100)), Put(changed_key_, Value(3, 101))};
      break;
    case Change::kSameValue:
      for (const Commit* loaded : {&load_, &load_again_}) {
        for (const Operation& each : loaded->batch) {
          if (each.key == changed_key_) change_ = {Put(each.key, *each.value)};
        }
      }
      break;
    case Change::kBatch: {
      Commit batch = Put(changed_key_, Value(2, 100));
      batch.batch.push_back({KeyAt(std::max(cursor_place_ - 2, 0)), std::nullopt});
      batch.batch.push_back({KeyAfter(std::min(cursor_place_ + 2, kKeys - 2)), Value(2, 101)});
      batch.batch.push_back({KeyAt(std::min(cursor_place_ + 3, kKeys - 1)), Value(2, 102)});
      change_ = {std::move(batch)};
      break;
    }
    case Change::kRangeDelete: {
      Commit range;
      range.kind = Commit::Kind::kDeleteRange;
      range.lower = changed_key_;
      // Up to the key after the next one, or past the end.
      const auto above = std::upper_bound(
          load_.batch.begin(), load_.batch.end(), changed_key_,
          [](const std::string& key, const Operation& each) { return key < each.key; });
      range.upper = load_.batch.end() - above > 1 ? (above + 1)->key : prefix_ + "9999";
      change_ = {std::move(range)};
      break;
    }
    case Change::kClear: {
      Commit clear;
      clear.kind = Commit::Kind::kClear;
      change_ = {std::move(clear)};
      break;
    }
    case Change::kCompareAndSwap: {
      Commit swap = Put(changed_key_, Value(2, 100));
      swap.kind = Commit::Kind::kCompareAndSwap;
      change_ = {std::move(swap)};
      break;
    }
  }
}

// Fills the place behind the changed key, where it is not between the cursor and that key; or
// empties what was filled there.
void CellPlan::ChooseReshape() {
  if (cell_.layout != Layout::kSplit && cell_.layout != Layout::kMerged) return;
  const std::string host = KeyAt(std::min(changed_place_ + 2, kKeys - 1));
  for (int i = 0; i < kFillers; ++i) {
    const std::string key = absl::StrFormat("%s.%02d", host, i);
    const std::string value = Value(0, static_cast<uint64_t>(200 + i));
    if (cell_.layout == Layout::kSplit) {
      reshape_.batch.push_back({key, value});
    } else {
      load_.batch.push_back({key, value});
      reshape_.batch.push_back({key, std::nullopt});
    }
  }
}

Commit CellPlan::Overwrite(size_t version) const {
  return Put(changed_key_, Value(version, 100 + version));
}
Commit CellPlan::OverwriteOther(size_t version) const {
  return Put(Key(2), Value(version, 2));
}

Commit CellPlan::AnyCommit(uint64_t random) const {
  const int index = static_cast<int>(random % kKeys);
  const uint64_t choice = random / kKeys % 4;
  if (choice == 0 && !reshape_.batch.empty()) return reshape_;
  const std::string key = choice == 1 ? KeyBetween(index) : Key(index);
  return choice == 2 ? Delete(key) : Put(key, Value(4, random % 1000));
}

}  // namespace firn::matrix
