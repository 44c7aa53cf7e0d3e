#include "engine/rocksdb_memtable.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "mvcc/key_index.h"
#include "mvcc/mutex.h"
#include "rocksdb/slice.h"

namespace firn::internal {
namespace {

using KeyComparator = rocksdb::MemTableRep::KeyComparator;

// Behind the user's key RocksDB keeps a sequence number and a type.
constexpr size_t kTrailerBytes = 8;

struct Entry {
  uint64_t head;     // Of the user's key.
  const char* data;  // As RocksDB wrote it: the key with its length before it, then the value.
};

uint64_t HeadOfInternalKey(const rocksdb::Slice& key) {
  return HeadOf<uint64_t>(key.data(), key.size() - kTrailerBytes);
}

class SortedIterator final : public rocksdb::MemTableRep::Iterator {
 public:
  SortedIterator(const std::vector<const char*>& entries, const KeyComparator& compare)
      : compare_(compare) {
    entries_.reserve(entries.size());
    for (const char* data : entries) {
      entries_.push_back({HeadOfInternalKey(compare.decode_key(data)), data});
    }
    std::sort(entries_.begin(), entries_.end(), [&compare](const Entry& a, const Entry& b) {
      return a.head != b.head ? a.head < b.head : compare(a.data, b.data) < 0;
    });
    at_ = entries_.size();
  }

  bool Valid() const override { return at_ < entries_.size(); }
  const char* key() const override { return entries_[at_].data; }
  void Next() override { ++at_; }
  void Prev() override { StepBack(); }
  void Seek(const rocksdb::Slice& internal_key, const char* memtable_key) override {
    at_ = LowerBound(memtable_key == nullptr ? internal_key : compare_.decode_key(memtable_key));
  }
  void SeekForPrev(const rocksdb::Slice& internal_key, const char* memtable_key) override {
    Seek(internal_key, memtable_key);
    const rocksdb::Slice target =
        memtable_key == nullptr ? internal_key : compare_.decode_key(memtable_key);
    if (!Valid() || compare_(key(), target) > 0) StepBack();
  }
  void SeekToFirst() override { at_ = 0; }
  void SeekToLast() override {
    at_ = entries_.size();
    StepBack();
  }

 private:
  void StepBack() { at_ = at_ == 0 ? entries_.size() : at_ - 1; }
  size_t LowerBound(const rocksdb::Slice& target) const {
    const auto found =
        std::partition_point(entries_.begin(), entries_.end(),
                             [&](const Entry& entry) { return compare_(entry.data, target) < 0; });
    return static_cast<size_t>(found - entries_.begin());
  }

  const KeyComparator& compare_;
  std::vector<Entry> entries_;
  size_t at_;  // entries_.size(): nowhere.
};

class StagingMemtable final : public rocksdb::MemTableRep {
 public:
  StagingMemtable(const KeyComparator& compare, rocksdb::Allocator* allocator)
      : MemTableRep(allocator), compare_(compare) {}

  void Insert(rocksdb::KeyHandle handle) override {
    const MutexLock lock(mutex_);
    entries_.push_back(static_cast<const char*>(handle));
  }
  bool Contains(const char* key) const override {
    const MutexLock lock(mutex_);
    return std::any_of(entries_.begin(), entries_.end(),
                       [&](const char* entry) { return compare_(entry, key) == 0; });
  }
  size_t ApproximateMemoryUsage() override {
    const MutexLock lock(mutex_);
    return sizeof(*this) + entries_.capacity() * sizeof(entries_.front());
  }
  Iterator* GetIterator(rocksdb::Arena* arena) override {
    std::vector<const char*> entries;
    {
      const MutexLock lock(mutex_);
      entries = entries_;
    }
    if (arena == nullptr) return new SortedIterator(entries, compare_);
    return new (IteratorMemory()) SortedIterator(entries, compare_);
  }

 private:
  struct alignas(SortedIterator) IteratorPlace {
    std::byte bytes[sizeof(SortedIterator)];
  };
  // For an iterator that is destroyed and not deleted. Arenas have no public header, so what is to
  // live in one lives as long as the memtable.
  void* IteratorMemory() {
    const MutexLock lock(mutex_);
    return iterator_places_.emplace_back(std::make_unique<IteratorPlace>()).get();
  }

  const KeyComparator& compare_;
  mutable Mutex mutex_;
  std::vector<const char*> entries_ ABSL_GUARDED_BY(mutex_);  // In the allocator's memory.
  std::vector<std::unique_ptr<IteratorPlace>> iterator_places_ ABSL_GUARDED_BY(mutex_);
};

class StagingMemtableFactory final : public rocksdb::MemTableRepFactory {
 public:
  using MemTableRepFactory::CreateMemTableRep;
  rocksdb::MemTableRep* CreateMemTableRep(const KeyComparator& compare,
                                          rocksdb::Allocator* allocator,
                                          const rocksdb::SliceTransform*,
                                          rocksdb::Logger*) override {
    return new StagingMemtable(compare, allocator);
  }
  const char* Name() const override { return "firn.StagingMemtable"; }
};

}  // namespace

std::shared_ptr<rocksdb::MemTableRepFactory> MakeStagingMemtables() {
  return std::make_shared<StagingMemtableFactory>();
}

}  // namespace firn::internal
