#include "mvcc/large_value_rows.h"

#include <new>

namespace firn::internal {
namespace {

// Counts how many neighbours stand apart.
class Neighbours {
 public:
  void Add(const VersionView& version) {
    if (version.kind != ValueKind::kLarge) return;
    const LargeValue* value = version.large();
    if (!value->is_movable()) {
      previous_ = nullptr;  // It is far from both its neighbours and will stay there.
      return;
    }
    ++count_;
    if (previous_ != nullptr && !value->StandsBehind(*previous_)) ++apart_;
    previous_ = value;
  }
  bool are_scattered() const { return 4 * apart_ > count_; }

 private:
  const LargeValue* previous_ = nullptr;
  size_t count_ = 0;
  size_t apart_ = 0;
};

bool AreScattered(std::span<const FrozenEntry> entries) {
  Neighbours neighbours;
  for (const FrozenEntry& entry : entries) neighbours.Add(entry.newest);
  return neighbours.are_scattered();
}

}  // namespace

LargeValueRows::~LargeValueRows() {
  for (LargeValue* copy : copies_) map_.DropLarge(copy);
}

bool LargeValueRows::AreScattered(const FrozenBlock& block) {
  if (!block.has_large()) return false;
  Neighbours neighbours;
  for (uint32_t i = 0; i < block.count(); ++i) neighbours.Add(block.newest(i));
  return neighbours.are_scattered();
}

void LargeValueRows::LineUp(std::span<FrozenEntry> entries) noexcept {
  if (!internal::AreScattered(entries)) return;
  try {
    std::vector<FrozenEntry*> row;
    size_t row_bytes = 0;
    for (FrozenEntry& entry : entries) {
      if (entry.newest.kind != ValueKind::kLarge || !entry.newest.large()->is_movable()) continue;
      const size_t bytes = entry.newest.large()->allocated_bytes();
      if (row_bytes + bytes > LargeValueHeap::kMaxRowBytes) {
        CopyRow(row, row_bytes);
        row.clear();
        row_bytes = 0;
      }
      row.push_back(&entry);
      row_bytes += bytes;
    }
    CopyRow(row, row_bytes);
  } catch (const std::bad_alloc&) {
    // To settle frees memory, so it must not fail for want of some.
  }
}

void LargeValueRows::CopyRow(std::span<FrozenEntry* const> row, size_t bytes) {
  copies_.reserve(copies_.size() + row.size());
  LargeValueHeap& heap = map_.large_values();
  auto* place = static_cast<char*>(heap.AllocateRow(bytes));
  for (FrozenEntry* entry : row) {
    LargeValue* copy = LargeValue::CreateInRow(place, entry->newest.bytes(), &heap);
    copies_.push_back(copy);
    entry->newest.data = reinterpret_cast<const char*>(copy);
    place += copy->allocated_bytes();
  }
}

}  // namespace firn::internal
