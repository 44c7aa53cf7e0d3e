#include "tests/support/oracle.h"

#include <cstdio>
#include <utility>

namespace firn::test {
namespace {

bool InRange(const std::string& key, const KeyRange& range) {
  return (!range.lower || key >= *range.lower) && (!range.upper || key < *range.upper);
}

}  // namespace

std::string Printable(std::string_view bytes) {
  constexpr size_t kShown = 32;
  if (bytes.empty()) return "\"\"";
  if (bytes.size() > kShown) {
    return Printable(bytes.substr(0, 8)) + "..." + Printable(bytes.substr(bytes.size() - 12)) +
           "(" + std::to_string(bytes.size()) + " bytes)";
  }
  std::string text;
  for (const char byte : bytes) {
    if (byte > ' ' && byte < 127 && byte != '\\') {
      text += byte;
    } else {
      char escaped[8];
      std::snprintf(escaped, sizeof(escaped), "\\x%02x", static_cast<unsigned char>(byte));
      text += escaped;
    }
  }
  return text;
}

std::ostream& operator<<(std::ostream& out, const Entry& entry) {
  return out << Printable(entry.key) << '=' << Printable(entry.value) << '@' << entry.commit_ts;
}

std::ostream& operator<<(std::ostream& out, const Bounds& bounds) {
  out << (bounds.lower_inclusive ? '[' : '(') << (bounds.lower ? Printable(*bounds.lower) : "-inf")
      << ", " << (bounds.upper ? Printable(*bounds.upper) : "+inf")
      << (bounds.upper_inclusive ? ']' : ')');
  if (bounds.prefix) out << " prefix " << Printable(*bounds.prefix);
  if (bounds.keys_only) out << " keys only";
  return out;
}

IteratorOptions Bounds::options() const {
  IteratorOptions options;
  options.lower_bound = lower;
  options.upper_bound = upper;
  options.lower_inclusive = lower_inclusive;
  options.upper_inclusive = upper_inclusive;
  options.prefix = prefix;
  options.keys_only = keys_only;
  return options;
}

bool Bounds::Contains(std::string_view key) const {
  if (lower && (lower_inclusive ? key < *lower : key <= *lower)) return false;
  if (upper && (upper_inclusive ? key > *upper : key >= *upper)) return false;
  return !prefix || key.substr(0, prefix->size()) == *prefix;
}

void Oracle::Put(CommitTs ts, const std::string& key, const std::string& value) {
  keys_[key][ts] = value;
}

void Oracle::Delete(CommitTs ts, const std::string& key) {
  if (Get(key, ts)) keys_[key][ts] = std::nullopt;  // Deleting nothing leaves no tombstone.
}

void Oracle::DeleteRange(CommitTs ts, const KeyRange& range) {
  for (auto& [key, versions] : keys_) {
    if (InRange(key, range)) Delete(ts, key);
  }
}

void Oracle::Write(CommitTs ts, const WriteBatch& batch) {
  std::map<std::string, std::optional<std::string>> last;
  for (size_t i = 0; i < batch.operation_count(); ++i) {
    const WriteBatch::Operation operation = batch.operation(i);
    switch (operation.type) {
      case WriteBatch::OperationType::kPut:
        last[std::string(operation.key)] = std::string(operation.value);
        break;
      case WriteBatch::OperationType::kDelete:
        last[std::string(operation.key)] = std::nullopt;
        break;
      case WriteBatch::OperationType::kDeleteRange:
        for (const auto& [key, versions] : keys_) {
          if (InRange(key, operation.range)) last[key] = std::nullopt;
        }
        for (auto& [key, value] : last) {
          if (InRange(key, operation.range)) value = std::nullopt;
        }
        break;
    }
  }
  for (const auto& [key, value] : last) {
    if (value) {
      Put(ts, key, *value);
    } else {
      Delete(ts, key);
    }
  }
}

std::optional<Entry> Oracle::Find(const std::string& key, CommitTs ts) const {
  const auto found = keys_.find(key);
  if (found == keys_.end()) return std::nullopt;
  std::optional<Entry> newest;
  for (const auto& [commit_ts, value] : found->second) {
    if (commit_ts > ts) continue;
    newest = value ? std::optional<Entry>({key, *value, commit_ts}) : std::nullopt;
  }
  return newest;
}

std::optional<std::string> Oracle::Get(const std::string& key, CommitTs ts) const {
  const std::optional<Entry> entry = Find(key, ts);
  return entry ? std::optional<std::string>(entry->value) : std::nullopt;
}

std::vector<Entry> Oracle::View(CommitTs ts, const Bounds& bounds) const {
  std::vector<Entry> view;
  if (bounds.crossed()) return view;
  for (const auto& [key, versions] : keys_) {
    if (!bounds.Contains(key)) continue;
    std::optional<Entry> entry = Find(key, ts);
    if (!entry) continue;
    if (bounds.keys_only) entry->value.clear();
    view.push_back(*std::move(entry));
  }
  return view;
}

Oracle::VersionCount Oracle::CountKept(const std::set<CommitTs>& pins) const {
  VersionCount count;
  for (const auto& [key, versions] : keys_) {
    std::set<CommitTs> kept = {versions.rbegin()->first};
    for (const CommitTs pin : pins) {
      auto after = versions.upper_bound(pin);
      if (after != versions.begin()) kept.insert(std::prev(after)->first);
    }
    const bool newest_is_value = versions.rbegin()->second.has_value();
    // The newest tombstone goes once nothing older is left under it.
    if (newest_is_value || kept.size() > 1) count.most += kept.size();
    bool value_below = false;
    for (const CommitTs ts : kept) {
      const bool is_value = versions.at(ts).has_value();
      if (is_value || value_below) ++count.least;
      value_below = is_value;
    }
  }
  return count;
}

std::vector<Entry> Oracle::SeenOnlyBy(CommitTs pin, const std::multiset<CommitTs>& pins) const {
  std::vector<Entry> seen;
  if (pins.count(pin) > 1) return seen;
  for (const auto& [key, versions] : keys_) {
    const std::optional<Entry> entry = Find(key, pin);
    if (!entry || entry->commit_ts == versions.rbegin()->first) continue;
    const CommitTs end = versions.upper_bound(entry->commit_ts)->first;
    bool shared = false;
    for (const CommitTs other : pins) {
      shared |= other != pin && other >= entry->commit_ts && other < end;
    }
    if (!shared) seen.push_back(*entry);
  }
  return seen;
}

OracleCursor::OracleCursor(const Oracle* oracle, Bounds bounds, std::optional<CommitTs> ts)
    : oracle_(oracle), bounds_(std::move(bounds)), of_snapshot_(ts.has_value()), read_ts_(ts) {
  if (ts) view_ = oracle_->View(*ts, bounds_);
}

void OracleCursor::Anchor(CommitTs latest) {
  if (read_ts_) return;
  read_ts_ = latest;
  view_ = oracle_->View(latest, bounds_);
}

void OracleCursor::StandAt(std::ptrdiff_t index) {
  if (index < 0) {
    position_ = Position::kBeforeFirst;
  } else if (index >= std::ssize(view_)) {
    position_ = Position::kAfterLast;
  } else {
    position_ = Position::kAt;
    index_ = static_cast<size_t>(index);
  }
}

void OracleCursor::Seek(const std::string& target, CommitTs latest) {
  Anchor(latest);
  std::ptrdiff_t index = 0;
  while (index < std::ssize(view_) && view_[static_cast<size_t>(index)].key < target) ++index;
  StandAt(index);
}

void OracleCursor::SeekForPrev(const std::string& target, CommitTs latest) {
  Anchor(latest);
  std::ptrdiff_t index = std::ssize(view_) - 1;
  while (index >= 0 && view_[static_cast<size_t>(index)].key > target) --index;
  StandAt(index);
}

void OracleCursor::SeekToFirst(CommitTs latest) {
  Anchor(latest);
  StandAt(0);
}

void OracleCursor::SeekToLast(CommitTs latest) {
  Anchor(latest);
  StandAt(std::ssize(view_) - 1);
}

void OracleCursor::Next() {
  if (position_ == Position::kBeforeFirst) {
    StandAt(0);
  } else if (position_ == Position::kAt) {
    StandAt(static_cast<std::ptrdiff_t>(index_) + 1);
  }
}

void OracleCursor::Prev() {
  if (position_ == Position::kAfterLast) {
    StandAt(std::ssize(view_) - 1);
  } else if (position_ == Position::kAt) {
    StandAt(static_cast<std::ptrdiff_t>(index_) - 1);
  }
}

void OracleCursor::Refresh() {
  if (of_snapshot_) return;
  read_ts_ = std::nullopt;
  view_.clear();
  position_ = Position::kUnpositioned;
}

}  // namespace firn::test
