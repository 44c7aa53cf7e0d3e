// A FreshDelta holds the few newest writes of a leaf.
#ifndef FIRN_MVCC_FRESH_DELTA_H_
#define FIRN_MVCC_FRESH_DELTA_H_

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "mvcc/frozen_block.h"
#include "mvcc/prefetch.h"
#include "mvcc/span_allocator.h"
#include "mvcc/version.h"
#include "mvcc/version_chain.h"

namespace firn::internal {

VersionView ViewOf(const Version& version);

// One key of a delta with its version chain.
struct FreshSlot {
  // Immutable once published.
  const char* key_data;
  uint32_t key_size;
  // How long the chain is, and at which length it is pruned next; under the leaf's latch.
  uint16_t chain_length;
  uint16_t prune_at;
  VersionChain chain;

  std::string_view key() const { return {key_data, key_size}; }
};

// FreshDelta: an append-only table of slots, each heading a version chain, and the arena
// that owns their keys and versions. Memory comes in chunks, so a small delta stays small;
// nothing is freed before the whole delta is.
//
//   Writer: whoever holds the leaf's latch. Reader: anybody who found the leaf's state.
//   Order:  AppendSlot() fills a slot, then publishes it by a release store of count_; a
//           reader loads count_ with acquire and looks at that many slots. A later version
//           of the key is published by its chain.
//
// A byte of fingerprint a slot, all in one or two cache lines, tells most readers that their
// key is not here without looking at a slot.
//
// Thread-safety: as above.
// Lifetime: belongs to one LeafState, which destroys it.
class FreshDelta {
 public:
  // Throws std::bad_alloc, as Reserve() and the allocating calls below.
  static FreshDelta* Create(SpanAllocator& allocator, uint32_t capacity);
  void Destroy(SpanAllocator& allocator);

  // --- Readers -----------------------------------------------------------------------
  uint32_t count() const { return count_.load(std::memory_order_acquire); }
  const FreshSlot& slot(uint32_t i) const { return chunk(i / kSlotsPerChunk)[i % kSlotsPerChunk]; }
  // Calls visit(const FreshSlot&) for the first `count` published slots, as they were published.
  template <class Visit>
  void ForEachSlot(uint32_t count, const Visit& visit) const {
    FreshSlot* const* chunk = chunks();
    for (uint32_t first = 0; first < count; first += kSlotsPerChunk, ++chunk) {
      const FreshSlot* const end = *chunk + std::min(kSlotsPerChunk, count - first);
      for (const FreshSlot* slot = *chunk; slot != end; ++slot) visit(*slot);
    }
  }
  // Fetches the table of what is or was a delta ahead of a search. Reads nothing.
  static void Prefetch(const FreshDelta* delta) { PrefetchLines(delta, 2); }
  // The same with the first slots, and two or three small versions and their keys: its first chunk.
  static void PrefetchFirstChunk(const FreshDelta* delta) {
    PrefetchToL2({reinterpret_cast<const char*>(delta), kFirstChunkBytes - sizeof(Chunk)});
  }
  // Fetch the first `count` published slots, and then what these point to, ahead of a look at all
  // of them: cache misses one after the other would take many times as long.
  void PrefetchSlots(uint32_t count) const {
    ForEachSlot(count, [](const FreshSlot& slot) { PrefetchLine(&slot); });
  }
  void PrefetchVersions(uint32_t count) const {
    ForEachSlot(count, [](const FreshSlot& slot) {
      PrefetchLine(slot.key_data);
      PrefetchLines(slot.chain.Head(), 2);
    });
  }
  // The slot of `key` among those published; null if it has none.
  const FreshSlot* Find(std::string_view key) const;
  // A scan that meets a long delta wants it frozen, by whoever writes to the leaf next. Once only:
  // where nobody writes, scans share memory that none of them writes to.
  void AskForFreeze() {
    if (!freeze_asked()) freeze_asked_.store(true, std::memory_order_relaxed);
  }
  bool freeze_asked() const { return freeze_asked_.load(std::memory_order_relaxed); }

  // --- The writer, holding the leaf's latch --------------------------------------------
  FreshSlot* FindForWrite(std::string_view key) { return const_cast<FreshSlot*>(Find(key)); }
  // Whether AskForFreeze() was called since.
  bool TakeFreezeRequest() {
    const bool asked = freeze_asked();
    if (asked) freeze_asked_.store(false, std::memory_order_relaxed);
    return asked;
  }
  bool HasRoom(size_t slots, size_t bytes, size_t byte_limit) const;
  // Where the next append will put its slot, if there is room for it already, and its bytes.
  const FreshSlot* next_slot() const {
    const uint32_t next = count_.load(std::memory_order_relaxed);
    if (next / kSlotsPerChunk >= ready_chunks_) return nullptr;
    return chunk(next / kSlotsPerChunk) + next % kSlotsPerChunk;
  }
  const char* next_bytes() const { return free_; }
  // Makes sure that `slots` more AppendSlot() calls cannot fail.
  void ReserveSlots(SpanAllocator& allocator, uint32_t slots);
  std::string_view CopyKey(SpanAllocator& allocator, std::string_view key);
  // A version that is not linked yet; its timestamp is set when it is. Takes a count of its
  // own of a large value.
  Version* NewVersion(SpanAllocator& allocator, const VersionView& value);
  // Publishes a new key with its first version. `key` is from CopyKey(). Cannot fail.
  void AppendSlot(std::string_view key, Version* version);

  // Calls visit(LargeValue*) for each large value that the delta still counts.
  template <class Visit>
  void ForEachLarge(const Visit& visit) const {
    if (!has_large_) return;
    for (const LargeHolder* holder = large_holders_; holder != nullptr; holder = holder->next) {
      if (!holder->dropped) visit(holder->large());
    }
  }
  // Gives up the count of a large version that was pruned from its chain: visit(LargeValue*).
  template <class Visit>
  void DropLarge(const Version* version, const Visit& visit) {
    for (LargeHolder* holder = large_holders_; holder != nullptr; holder = holder->next) {
      if (holder->version != version || holder->dropped) continue;
      holder->dropped = true;
      visit(holder->large());
      return;
    }
  }

 private:
  static constexpr uint32_t kSlotsPerChunk = 8;
  // Room for the table, a first chunk of slots and a few small versions.
  static constexpr size_t kFirstChunkBytes = 768;

  struct Chunk {
    Chunk* next;
    size_t bytes;
  };
  // Which versions count a large value; under the leaf's latch, or after the state is retired.
  struct LargeHolder {
    LargeHolder* next;
    const Version* version;
    bool dropped;
    LargeValue* large() const { return ViewOf(*version).large(); }
  };

  explicit FreshDelta(uint32_t capacity) : capacity_(capacity) {}

  static uint8_t Fingerprint(std::string_view key);
  static size_t WordCount(uint32_t capacity) { return (capacity + 7) / 8; }
  static size_t TableBytes(uint32_t capacity);
  void* Allocate(SpanAllocator& allocator, size_t bytes);

  // Behind the header: fingerprints, eight to a word, then pointers to chunks of slots.
  const std::atomic<uint64_t>* words() const {
    return reinterpret_cast<const std::atomic<uint64_t>*>(this + 1);
  }
  std::atomic<uint64_t>* words() { return reinterpret_cast<std::atomic<uint64_t>*>(this + 1); }
  FreshSlot* const* chunks() const {
    return reinterpret_cast<FreshSlot* const*>(words() + WordCount(capacity_));
  }
  FreshSlot** chunks() { return reinterpret_cast<FreshSlot**>(words() + WordCount(capacity_)); }
  FreshSlot* chunk(uint32_t i) const { return chunks()[i]; }

  std::atomic<uint32_t> count_{0};
  const uint32_t capacity_;

  // The arena; under the leaf's latch.
  char* free_ = nullptr;
  char* free_end_ = nullptr;
  Chunk* newest_chunk_ = nullptr;
  LargeHolder* large_holders_ = nullptr;
  uint32_t used_bytes_ = 0;
  uint16_t ready_chunks_ = 0;
  bool has_large_ = false;
  //   Writer: any scan sets it; under the latch it is taken back. Reader: both. relaxed: a word that
  //   comes late or is lost makes a freeze earlier or later, and nothing else.
  std::atomic<bool> freeze_asked_{false};
};

}  // namespace firn::internal

#endif  // FIRN_MVCC_FRESH_DELTA_H_
