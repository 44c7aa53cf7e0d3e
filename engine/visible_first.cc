#include "engine/visible_first.h"

#include <span>
#include <utility>
#include <vector>

#include "mvcc/catch_out_of_memory.h"
#include "mvcc/status.h"

namespace firn::internal {
namespace {

// Retired memory beyond this is freed by the writers themselves: soon enough that new blocks are
// built in memory which the cache still holds.
constexpr size_t kRetiredLimit = size_t{512} << 10;

// A value on its way into the map. A large one is copied before any latch is taken.
class PendingValue {
 public:
  PendingValue(OrderedMap& map, std::optional<std::string_view> value) : map_(map) {
    if (!value) return;
    view_.kind = ValueKind::kValue;
    view_.data = value->data();
    view_.size = static_cast<uint32_t>(value->size());
    if (value->size() < map.tuning().large_value_bytes) return;
    large_ = LargeValue::Create(*value, &map.large_values());
    view_.kind = ValueKind::kLarge;
    view_.data = reinterpret_cast<const char*>(large_);
    view_.size = 0;
  }
  PendingValue(PendingValue&& other) noexcept
      : map_(other.map_), view_(other.view_), large_(std::exchange(other.large_, nullptr)) {}
  PendingValue& operator=(PendingValue&&) = delete;
  ~PendingValue() {
    if (large_ != nullptr) map_.DropLarge(large_);  // The map has counts of its own.
  }

  const VersionView& view() const { return view_; }

 private:
  OrderedMap& map_;
  VersionView view_;
  LargeValue* large_ = nullptr;
};

bool IsValue(const VersionView& version) { return version.kind != ValueKind::kTombstone; }

}  // namespace

absl::StatusOr<Stamp> VisibleFirst::DrawStamp(const WriteOptions& options) {
  const uint64_t now = clock_.NowNanos();
  if (!options.commit_ts) return versioned_.oracle().Next(now);
  Stamp stamp;
  switch (versioned_.oracle().At(options.commit_ts->value, now, &stamp)) {
    case GivenTs::kOk:
      return stamp;
    case GivenTs::kInPast:
      return MakeError(ErrorKind::kTimestampInPast,
                       "WriteOptions::commit_ts is not above the newest commit's timestamp; give "
                       "a later one, or none");
    case GivenTs::kTooFar:
      break;
  }
  return MakeError(ErrorKind::kTimestampInFuture,
                   "WriteOptions::commit_ts is more than one second past both the newest commit "
                   "and the clock; give an earlier one, or none");
}

CommitTs VisibleFirst::Finish(Stamp stamp, bool froze) {
  versioned_.oracle().Publish(stamp);
  if (froze && versioned_.map().retired_bytes() > kRetiredLimit) versioned_.map().Reclaim();
  return CommitTs{stamp.ts};
}

absl::StatusOr<CommitTs> VisibleFirst::Write(std::string_view key,
                                             std::optional<std::string_view> value,
                                             const WriteOptions& options) {
  return CatchOutOfMemory("writing a key", [&]() -> absl::StatusOr<CommitTs> {
    absl::StatusOr<Stamp> stamp;
    bool froze = false;
    {
      const PendingValue pending(versioned_.map(), value);
      CommitWriter writer(versioned_.map(), versioned_.settler());
      writer.LatchKey(key);
      const MapWrite write{key, pending.view()};
      // Deleting nothing takes a timestamp but leaves no tombstone.
      if (value || IsValue(writer.Newest(key))) writer.Prepare({&write, 1});
      stamp = DrawStamp(options);
      if (!stamp.ok()) return stamp.status();
      writer.Apply(stamp->ts);
      froze = writer.froze();
    }
    return Finish(*stamp, froze);
  });
}

absl::StatusOr<CommitTs> VisibleFirst::Write(const NormalizedBatch& batch,
                                             const WriteOptions& options) {
  return CatchOutOfMemory("writing a batch", [&]() -> absl::StatusOr<CommitTs> {
    absl::StatusOr<Stamp> stamp;
    bool froze = false;
    {
      OrderedMap& map = versioned_.map();
      std::vector<PendingValue> pending;
      pending.reserve(batch.points.size());
      for (const NormalizedBatch::PointOp& point : batch.points) {
        pending.emplace_back(map, point.value);
      }

      CommitWriter writer(map, versioned_.settler());
      std::vector<MapWrite> writes;
      writes.reserve(batch.points.size());
      size_t next_point = 0;
      const auto take_point = [&] {
        if (next_point % OrderedMap::kPrefetchGroup == 0) {
          map.PrefetchForWrite(std::span(batch.points).subspan(next_point),
                               [](const NormalizedBatch::PointOp& each) { return each.key; });
        }
        const NormalizedBatch::PointOp& point = batch.points[next_point];
        writer.LatchKey(point.key);
        if (point.value || IsValue(writer.Newest(point.key))) {
          writes.push_back({point.key, pending[next_point].view()});
        }
        ++next_point;
      };
      std::vector<std::string_view> live;
      for (const NormalizedBatch::RangeDeleteSpan& range : batch.ranges) {
        const std::string_view lower = range.lower.value_or("");
        while (next_point < batch.points.size() && batch.points[next_point].key < lower) {
          take_point();
        }
        writer.LatchRange(lower, range.upper);
        live.clear();
        writer.AppendLiveKeys(lower, range.upper, &live);
        for (const std::string_view key : live) {
          while (next_point < batch.points.size() && batch.points[next_point].key < key) {
            take_point();
          }
          // A point inside a range was written after it.
          if (next_point < batch.points.size() && batch.points[next_point].key == key) continue;
          writes.push_back({key, VersionView()});
        }
      }
      while (next_point < batch.points.size()) take_point();

      // Keys to be deleted are views into leaf states, which Prepare() may retire; this
      // writer's epoch guard keeps them.
      writer.Prepare(writes);
      stamp = DrawStamp(options);
      if (!stamp.ok()) return stamp.status();
      writer.Apply(stamp->ts);
      froze = writer.froze();
    }
    return Finish(*stamp, froze);
  });
}

absl::StatusOr<std::optional<CommitTs>> VisibleFirst::WriteIf(std::string_view key, Judge judge,
                                                              std::optional<std::string_view> value,
                                                              const WriteOptions& options) {
  using Answer = std::optional<CommitTs>;
  return CatchOutOfMemory("writing a key on a condition", [&]() -> absl::StatusOr<Answer> {
    absl::StatusOr<Stamp> stamp;
    bool froze = false;
    uint64_t judged_ts = 0;
    bool commit;
    {
      const PendingValue pending(versioned_.map(), value);
      CommitWriter writer(versioned_.map(), versioned_.settler());
      writer.LatchKey(key);
      const VersionView newest = writer.Newest(key);
      judged_ts = newest.commit_ts;
      commit = judge(newest);
      if (commit) {
        const MapWrite write{key, pending.view()};
        if (value || IsValue(newest)) writer.Prepare({&write, 1});
        stamp = DrawStamp(options);
        if (!stamp.ok()) return stamp.status();
        writer.Apply(stamp->ts);
        froze = writer.froze();
      }
    }
    if (commit) return Answer(Finish(*stamp, froze));
    versioned_.oracle().WaitVisible(judged_ts);
    return Answer();
  });
}

}  // namespace firn::internal
