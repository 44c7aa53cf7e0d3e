// The limit: what reading costs where nothing can change.
#ifndef FIRN_BENCH_PEERS_SORTED_ARRAY_H_
#define FIRN_BENCH_PEERS_SORTED_ARRAY_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "bench/peers/peer.h"
#include "bench/workload.h"

namespace firn::bench {

// A SortedArray is all entries of a workload side by side in key order, key and value together.
//
// Thread-safety: immutable after construction.
class SortedArray {
 public:
  static constexpr std::string_view kName = "sorted array";

  explicit SortedArray(const Workload& workload)
      : key_bytes_(workload.key_bytes()),
        entry_bytes_(workload.entry_bytes()),
        count_(workload.entry_count()) {
    bytes_.reserve(count_ * entry_bytes_);
    for (const uint32_t i : workload.SortedOrder()) {
      bytes_.append(workload.key(i)).append(workload.value(i));
    }
  }

  // Lends the array.
  class View {
   public:
    explicit View(const SortedArray* array) : array_(*array) {}

    template <class Use>
    bool Get(std::string_view key, Use use) const {
      const size_t at = array_.LowerBound(key);
      if (at == array_.count_ || array_.KeyAt(at) != key) return false;
      use(array_.ValueAt(at));
      return true;
    }
    template <class Visit>
    void Scan(Visit visit) const {
      for (size_t at = 0; at < array_.count_; ++at) visit(array_.KeyAt(at), array_.ValueAt(at));
    }
    template <class Visit>
    void ScanFrom(std::string_view key, size_t limit, Visit visit) const {
      for (size_t at = array_.LowerBound(key); limit != 0 && at < array_.count_; ++at, --limit) {
        visit(array_.KeyAt(at), array_.ValueAt(at));
      }
    }
    template <class Visit>
    void ReverseScan(Visit visit) const {
      for (size_t at = array_.count_; at-- != 0;) visit(array_.KeyAt(at), array_.ValueAt(at));
    }

   private:
    const SortedArray& array_;
  };
  View OpenView() const { return View(this); }

  // Entries side by side, as a sorted load wants them.
  KeyValue entry(size_t at) const { return {KeyAt(at), ValueAt(at)}; }

 private:
  std::string_view KeyAt(size_t at) const {
    return {bytes_.data() + at * entry_bytes_, key_bytes_};
  }
  std::string_view ValueAt(size_t at) const {
    return {bytes_.data() + at * entry_bytes_ + key_bytes_, entry_bytes_ - key_bytes_};
  }
  size_t LowerBound(std::string_view key) const {
    size_t first = 0;
    for (size_t left = count_; left != 0;) {
      const size_t half = left / 2;
      const bool is_less = KeyAt(first + half) < key;
      first = is_less ? first + half + 1 : first;
      left = is_less ? left - half - 1 : half;
    }
    return first;
  }

  size_t key_bytes_;
  size_t entry_bytes_;
  size_t count_;
  std::string bytes_;
};

static_assert(PeerReader<SortedArray> && ReversibleView<SortedArray::View>);

}  // namespace firn::bench

#endif  // FIRN_BENCH_PEERS_SORTED_ARRAY_H_
