// A peer as an EngineKind.
#ifndef FIRN_BENCH_ENGINE_OF_H_
#define FIRN_BENCH_ENGINE_OF_H_

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <memory>
#include <span>
#include <utility>

#include "bench/check.h"
#include "bench/engines.h"
#include "bench/peers/peer.h"

namespace firn::bench {

// Some peers want to know how much is to come.
template <class P>
std::unique_ptr<P> MakePeer(const Workload& workload) {
  if constexpr (std::constructible_from<P, const Workload&>) {
    return std::make_unique<P>(workload);
  } else {
    return std::make_unique<P>();
  }
}

// Of an engine that opens views.
template <class E>
class LoadedEngineOf : public LoadedEngine {
  using View = decltype(std::declval<E&>().OpenView());
  struct alignas(128) ViewOfThread {  // Of two cache lines: processors fetch them in pairs.
    View view;
  };

 public:
  static constexpr bool kIsOrdered = OrderedView<View>;
  static constexpr bool kIsReversible = ReversibleView<View>;

  explicit LoadedEngineOf(std::unique_ptr<E> engine)
      : engine_(std::move(engine)), views_{{engine_->OpenView()}, {engine_->OpenView()}} {}

  Checksum LookUp(size_t view, const Lookups& lookups, size_t first, size_t last) override {
    return bench::LookUp(views_[view].view, lookups, first, last);
  }
  Checksum ScanForward(size_t view) override {
    if constexpr (kIsOrdered) return bench::ScanForward(views_[view].view);
    Fail("an engine without an order cannot be scanned");
  }
  Checksum ScanFromEach(size_t view, const Lookups& lookups, size_t first, size_t last,
                        size_t count) override {
    if constexpr (kIsOrdered) {
      return bench::ScanFromEach(views_[view].view, lookups, first, last, count);
    }
    Fail("an engine without an order cannot be sought in");
  }
  Checksum ScanBackward(size_t view) override {
    if constexpr (kIsReversible) return bench::ScanBackward(views_[view].view);
    Fail("this engine cannot be scanned backwards");
  }

 private:
  std::unique_ptr<E> engine_;
  ViewOfThread views_[kViews];  // They go before it.
};

template <Peer P>
class WritablePeer : public WritableEngine {
 public:
  explicit WritablePeer(std::unique_ptr<P> peer) : peer_(std::move(peer)) {}

  void Put(std::span<const KeyValue> entries) override {
    for (const KeyValue& entry : entries) peer_->Put(entry.key, entry.value);
  }
  void PutInBatches(std::span<const KeyValue> entries, size_t batch_entries) override {
    while (!entries.empty()) {
      const size_t size = std::min(batch_entries, entries.size());
      peer_->PutBatch(entries.first(size));
      entries = entries.subspan(size);
    }
  }
  void Settle() override { SettlePeer(*peer_); }
  Checksum Content(const Workload& workload) override {
    auto view = peer_->OpenView();
    return ContentOf(view, workload);
  }

 private:
  std::unique_ptr<P> peer_;
};

template <Peer P>
EngineKind KindOfPeer() {
  EngineKind kind;
  kind.name = P::kName;
  kind.is_ordered = LoadedEngineOf<P>::kIsOrdered;
  kind.is_reversible = LoadedEngineOf<P>::kIsReversible;
  kind.load = [](const Workload& workload) -> std::unique_ptr<LoadedEngine> {
    std::unique_ptr<P> peer = MakePeer<P>(workload);
    PutAll(*peer, workload);
    SettlePeer(*peer);
    return std::make_unique<LoadedEngineOf<P>>(std::move(peer));
  };
  kind.make = [](const Workload& workload) -> std::unique_ptr<WritableEngine> {
    return std::make_unique<WritablePeer<P>>(MakePeer<P>(workload));
  };
  return kind;
}

}  // namespace firn::bench

#endif  // FIRN_BENCH_ENGINE_OF_H_
