// A store that does not do what it says: what the crash tests must find.
#ifndef FIRN_TESTS_CRASH_LYING_STORE_H_
#define FIRN_TESTS_CRASH_LYING_STORE_H_

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/store.h"

namespace firn::test {

enum class Lie {
  kNone,         // None is told; no store lies.
  kLoseGroup,    // Now and then a group is acknowledged and not written.
  kTearGroup,    // Now and then the last change of a commit is not written.
  kSkipSync,     // What is to be on disk is left in the operating system.
  kHideFailure,  // A group whose write failed is acknowledged.
};

class LyingStore final : public internal::Store {
 public:
  LyingStore(std::unique_ptr<Store> truth, Lie lie) : truth_(std::move(truth)), lie_(lie) {}

  absl::Status Write(absl::Span<const internal::StoreCommit> group,
                     Durability durability) override {
    if (group.empty()) return truth_->Write(group, durability);
    last_.store(group.back().commit_ts.value, std::memory_order_release);
    if (lie_ == Lie::kSkipSync) return truth_->Write(group, Durability::kBuffered);
    if (lie_ == Lie::kHideFailure) {
      truth_->Write(group, durability).IgnoreError();
      return absl::OkStatus();
    }
    if (++writes_ % kTruthsPerLie != 0) return truth_->Write(group, durability);
    if (lie_ == Lie::kLoseGroup) return absl::OkStatus();
    std::vector<internal::StoreCommit> torn(group.begin(), group.end());
    if (!torn.back().points.empty()) torn.back().points.remove_suffix(1);
    return truth_->Write(torn, durability);
  }
  absl::StatusOr<CommitTs> Sync() override {
    if (lie_ == Lie::kSkipSync) return last_commit_ts();
    return truth_->Sync();
  }
  absl::Status Flush() override {
    return lie_ == Lie::kSkipSync ? absl::OkStatus() : truth_->Flush();
  }
  absl::Status Load(
      const KeyRange& range,
      absl::FunctionRef<absl::Status(const internal::StoreEntry&)> visit) const override {
    return truth_->Load(range, visit);
  }
  absl::Status OnLoaded() override { return truth_->OnLoaded(); }
  absl::StatusOr<std::vector<std::string>> SplitKeys(size_t parts) const override {
    return truth_->SplitKeys(parts);
  }
  CommitTs last_commit_ts() const override {
    return std::max(truth_->last_commit_ts(), CommitTs{last_.load(std::memory_order_acquire)});
  }
  CommitTs synced_ts() const override { return truth_->synced_ts(); }
  absl::Status status() const override { return truth_->status(); }
  absl::Status Resume() override { return truth_->Resume(); }
  uint64_t disk_bytes() const override { return truth_->disk_bytes(); }
  absl::Status Compact(const KeyRange& range) override { return truth_->Compact(range); }
  absl::Status VerifyFiles() const override { return truth_->VerifyFiles(); }
  absl::Status Close() override { return truth_->Close(); }

 private:
  static constexpr uint64_t kTruthsPerLie = 4;

  const std::unique_ptr<Store> truth_;
  const Lie lie_;
  uint64_t writes_ = 0;
  std::atomic<uint64_t> last_{0};  // Only Write() stores; any thread reads.
};

}  // namespace firn::test

#endif  // FIRN_TESTS_CRASH_LYING_STORE_H_
