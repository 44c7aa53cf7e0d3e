// What does an old snapshot cost those who never use it? Varies: snapshots held: none, one taken
// before, or that one and 100 more taken along the way. Fixed: 1,000 neighbouring keys among all
// entries, overwritten 2,000,000 times in random order. Reports: scans of them at the present and
// at the oldest snapshot, against one before (at rest, when the background has frozen idle leaves;
// and right after the last overwrite); the time of an overwrite; versions kept; memory at its
// largest, and once everything is released.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "bench/bars/bars.h"
#include "bench/hot_keys.h"
#include "bench/peers/firn_peer.h"

namespace firn::bench {
namespace {

constexpr size_t kParts = 100;  // After each, memory is looked at and a snapshot may be taken.
constexpr double kMb = 1e6;

// How many snapshots are held; figures are called by it.
const std::string kNone = "none";
const std::string kOne = "one";
const std::string kMany = "101";

size_t HotCount(const BarContext& context) {
  return std::min<size_t>(1000, context.workload.entry_count() / 2);
}

class OldSnapshots {
 public:
  explicit OldSnapshots(const BarContext& context)
      : hot_(context.workload, HotCount(context)),
        overwrites_per_part_(std::max<size_t>(1, context.Scaled(2'000'000) / kParts)) {
    PutAll(peer_, context.workload);
    peer_.Settle();
    bytes_settled_ = MemoryBytes();
  }

  void TakeTurn(Round& round, const std::string& held);

 private:
  struct Overwritten {
    double ns_each = 0;
    double peak_bytes = 0;
  };

  double MemoryBytes() const { return static_cast<double>(peer_.Stats().memory_bytes); }
  // Takes another snapshot after each part, if `is_many`.
  Overwritten Overwrite(std::vector<FirnPeer::View>& held, bool is_many);
  void NoteScans(Round& round, const std::string& when, std::vector<FirnPeer::View>& held,
                 const Checksum& oldest) const;
  // Nobody writes; the background has two seconds.
  void WaitForMemory() const;

  FirnPeer peer_;
  HotKeys hot_;
  size_t overwrites_per_part_;
  SplitMix64 random_{7};
  double bytes_settled_ = 0;
};

OldSnapshots::Overwritten OldSnapshots::Overwrite(std::vector<FirnPeer::View>& held, bool is_many) {
  Overwritten overwritten;
  double seconds = 0;
  for (size_t part = 0; part < kParts; ++part) {
    seconds += SecondsOf([&] {
      for (size_t i = 0; i < overwrites_per_part_; ++i) hot_.OverwriteOne(peer_, random_);
    });
    overwritten.peak_bytes = std::max(overwritten.peak_bytes, MemoryBytes());
    if (is_many) held.push_back(peer_.OpenView("along the way"));
  }
  overwritten.ns_each = seconds * 1e9 / static_cast<double>(overwrites_per_part_ * kParts);
  return overwritten;
}

void OldSnapshots::NoteScans(Round& round, const std::string& when,
                             std::vector<FirnPeer::View>& held, const Checksum& oldest) const {
  round.Note("live scan " + when, hot_.LiveScanNs(peer_));
  if (!held.empty()) round.Note("old scan " + when, hot_.ScanNs(held.front(), oldest));
}

void OldSnapshots::WaitForMemory() const {
  for (int tries = IsSmokeRun() ? 10 : 200; tries != 0; --tries) {
    if (MemoryBytes() <= 1.02 * bytes_settled_) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

void OldSnapshots::TakeTurn(Round& round, const std::string& held) {
  round.Note("scan before, " + held, hot_.LiveScanNs(peer_));
  round.Note("scan before again, " + held, hot_.LiveScanNs(peer_));
  const double bytes_before = MemoryBytes();
  std::vector<FirnPeer::View> views;
  if (held != kNone) views.push_back(peer_.OpenView("old"));
  const Checksum oldest = hot_.Content();

  const Overwritten overwritten = Overwrite(views, held == kMany);
  round.Note("overwrite, " + held, overwritten.ns_each);
  round.Note("growth, " + held, (overwritten.peak_bytes - bytes_before) / kMb);
  NoteScans(round, "at once, " + held, views, oldest);

  // What the background does by itself.
  std::this_thread::sleep_for(std::chrono::milliseconds(IsSmokeRun() ? 100 : 500));
  NoteScans(round, "at rest, " + held, views, oldest);
  round.Note("versions, " + held, hot_.VersionsPerKey(peer_.Stats()));
  round.Note("growth at rest, " + held, (MemoryBytes() - bytes_before) / kMb);

  views.clear();
  WaitForMemory();
  const DbStats released = peer_.Stats();
  round.Note("memory settled", bytes_settled_);
  round.Note("memory released, " + held, static_cast<double>(released.memory_bytes));
  round.Note("reserved released, " + held, static_cast<double>(released.reserved_bytes));
  peer_.Settle();
}

// The rows of one way to hold snapshots.
class Report {
 public:
  Report(const BarContext& context, const Rounds& rounds, const std::string& held)
      : context_(context),
        rounds_(rounds),
        held_(held),
        prefix_(held == kOne ? "old-snapshot." : "old-snapshot." + held + "_") {}

  void Scans() const {
    Scan("live", "at rest", Bar::AtMost(1.2));
    Scan("old", "at rest", Bar::AtMost(3));
    Scan("live", "at once", Bar::None());
    Scan("old", "at once", Bar::None());
  }

  void Writer() const {
    const std::string none = "overwrite, none before", overwrite = "overwrite, " + held_;
    context_.report(RatioRow(
        prefix_ + "writer", "time of an overwrite with snapshots held / without", "ns/put", rounds_,
        {none, overwrite}, {overwrite, none}, {"overwrite, none", none}, Bar::AtMost(1.1)));
  }

  void Memory() const {
    const double seen_along_the_way =
        held_ == kOne
            ? 0
            : static_cast<double>(kParts * HotCount(context_) * context_.workload.entry_bytes()) /
                  kMb;
    Row growth = FigureRow(prefix_ + "growth", "memory gained, the largest of 100 samples", "MB",
                           rounds_, "growth, " + held_, {"growth at rest, " + held_},
                           Bar::AtMost(3 + seen_along_the_way));
    growth.itself.clear();
    if (held_ == kMany) {
      growth.note = "the bar is 3 MB beyond the entries that the 100 snapshots along the way see";
    }
    context_.report(growth);
    context_.report(FigureRow(prefix_ + "versions", "versions per hot key at rest", "", rounds_,
                              "versions, " + held_, {},
                              Bar::AtMost(held_ == kOne ? 2 : 2 + static_cast<double>(kParts))));
    const std::string released = "memory released, " + held_;
    Row back = RatioRow(prefix_ + "released", "memory once released, no write, no Settle / settled",
                        "B", rounds_, {"memory settled", released, "reserved released, " + held_},
                        {released, "memory settled"}, {released, released}, Bar::AtMost(1.02));
    back.itself = rounds_.SuccessiveRatios(released);
    context_.report(back);
  }

 private:
  void Scan(const std::string& which, const std::string& when, Bar bar) const {
    const std::string before = "scan before, " + held_;
    const std::string after = which + " scan " + when + ", " + held_;
    context_.report(RatioRow(prefix_ + which + (when == "at rest" ? "" : "_at_once"),
                             which + " scan " + when + " after the overwrites / before", "ns/entry",
                             rounds_, {before, after}, {after, before},
                             {"scan before again, " + held_, before}, bar));
  }

  const BarContext& context_;
  const Rounds& rounds_;
  std::string held_;
  std::string prefix_;
};

}  // namespace

void MeasureOldSnapshot(const BarContext& context) {
  OldSnapshots old(context);
  const Rounds rounds = RunRounds(context.TightPlan(), [&](Round& round) {
    round.Watch([&] {
      old.TakeTurn(round, kNone);
      round.Note("overwrite, none before", round.figure("overwrite, none"));
      old.TakeTurn(round, kOne);
      old.TakeTurn(round, kMany);
      old.TakeTurn(round, kNone);
    });
  });
  for (const std::string& held : {kOne, kMany}) {
    const Report report(context, rounds, held);
    report.Scans();
    report.Writer();
    report.Memory();
  }
  // What unfrozen overwrites alone make of a scan.
  context.report(RatioRow("old-snapshot.at_once", "live scan at once, one held / none held",
                          "ns/entry", rounds, {"live scan at once, none", "live scan at once, one"},
                          {"live scan at once, one", "live scan at once, none"},
                          {"scan before again, one", "scan before, one"}, Bar::None()));
}

}  // namespace firn::bench
