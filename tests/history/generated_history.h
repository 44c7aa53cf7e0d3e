// Histories as a Db without faults would give them, for tests to plant one in.
#ifndef FIRN_TESTS_HISTORY_GENERATED_HISTORY_H_
#define FIRN_TESTS_HISTORY_GENERATED_HISTORY_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "firn/types.h"
#include "tests/support/random.h"
#include "tools/history/history.h"
#include "tools/history/material.h"

namespace firn::test {

// A GeneratedHistory simulates clients whose calls overlap. Each call begins, takes effect in one
// step, and returns, in three moves between which the other clients make theirs. What it says it
// saw is looked up in the plainest way there is.
class GeneratedHistory {
 public:
  struct Written {
    history::ValueId value = history::kAbsent;
    history::Verb verb = history::Verb::kGet;
    size_t steps = 0;  // Of the commit.
    bool by_range = false;
  };
  using Versions = std::map<CommitTs, Written>;

  static constexpr history::KeyIndex kKeys = 24;
  static constexpr uint32_t kClients = 5;

  explicit GeneratedHistory(uint64_t seed) : random_(seed), versions_(kKeys) {
    for (Versions& versions : versions_) versions[kBeforeEverything] = {};
    for (uint32_t i = 0; i < kClients; ++i) clients_[i].log.client = i;
  }

  // The logs of one phase: everybody has returned at its end.
  std::vector<history::Log> RunPhase(size_t calls) {
    for (size_t begun = 0; begun < calls;) {
      Client& client = random_.Pick(clients_);
      if (client.stage == Stage::kIdle) ++begun;
      Advance(client);
    }
    std::vector<history::Log> logs;
    for (Client& client : clients_) {
      while (client.stage != Stage::kIdle) Advance(client);
      history::Log next{client.log.client, client.log.first_number + client.log.operations.size()};
      logs.push_back(std::exchange(client.log, std::move(next)));
    }
    return logs;
  }

  std::vector<CommitTs> held() const {
    std::vector<CommitTs> held;
    for (const Client& client : clients_) {
      held.insert(held.end(), client.views.begin(), client.views.end());
    }
    return held;
  }
  const Versions& versions(history::KeyIndex key) const { return versions_[key]; }
  // The version that is newest at `ts`.
  Versions::const_iterator At(history::KeyIndex key, CommitTs ts) const {
    return std::prev(versions_[key].upper_bound(ts));
  }
  bool IsCommit(CommitTs ts) const { return commits_.contains(ts); }

 private:
  enum class Stage { kIdle, kBegun, kTookEffect };
  struct Client {
    Stage stage = Stage::kIdle;
    history::Operation operation{.verb = history::Verb::kGet};
    history::Log log;
    std::vector<CommitTs> views;
    uint64_t values = 0;
  };

  void Advance(Client& client) {
    history::Operation& operation = client.operation;
    now_ns_ += 10'000;
    switch (client.stage) {
      case Stage::kIdle:
        operation = {.verb = static_cast<history::Verb>(random_.Below(history::kVerbs))};
        operation.begin_ns = now_ns_;
        operation.visible_before = latest_;
        client.stage = Stage::kBegun;
        return;
      case Stage::kBegun:
        TakeEffect(client);
        client.stage = Stage::kTookEffect;
        return;
      case Stage::kTookEffect:
        operation.visible_after = latest_;
        operation.end_ns = now_ns_;
        client.log.operations.push_back(std::move(operation));
        client.stage = Stage::kIdle;
        return;
    }
  }

  void TakeEffect(Client& client) {
    using history::Verb;
    history::Operation& operation = client.operation;
    const history::KeyIndex key = AnyKey();
    const auto now = std::prev(versions_[key].end());
    switch (operation.verb) {
      case Verb::kGet:
      case Verb::kGetPinned:
      case Verb::kContains:
        return See(operation, key, ChooseMoment(client));
      case Verb::kMultiGet: {
        const CommitTs moment = ChooseMoment(client);
        for (int i = 0; i < 6; ++i) See(operation, AnyKey(), moment);
        return;
      }
      case Verb::kRangeFor:
      case Verb::kRangeCallback:
      case Verb::kWalk:
        return Scan(operation, ChooseMoment(client));
      case Verb::kGetSnapshot:
        if (client.views.size() == 4) client.views.erase(client.views.begin());
        client.views.push_back(latest_);
        [[fallthrough]];
      case Verb::kWriteNothing:
        operation.read_ts = latest_;
        operation.takes_view = true;
        return;
      case Verb::kCare:
        return;
      case Verb::kPut:
        return Commit(client, {Put(client, key)});
      case Verb::kDelete:
        return Commit(client, {Delete(key)});
      case Verb::kWrite:
        return Commit(client, {Put(client, AnyKey()), Delete(AnyKey()), Put(client, AnyKey()),
                               Put(client, key)});
      case Verb::kDeleteRange:
        return Commit(client, {{history::WriteStep::Kind::kDeleteRange, AnySpan()}});
      case Verb::kClear:
        if (!random_.OneIn(5)) return;
        return Commit(client, {{history::WriteStep::Kind::kDeleteRange, {0, kKeys}}});
      case Verb::kLoadOrStore:
      case Verb::kLazyLoadOrStore:
        operation.sightings = {{.key = key, .value = now->second.value}};
        if (now->second.value == history::kAbsent) return Commit(client, {Put(client, key)});
        operation.sightings.front().commit_ts = now->first;
        return;
      case Verb::kLoadAndDelete:
        operation.sightings = {{.key = key, .value = now->second.value}};
        return Commit(client, {Delete(key)});
      case Verb::kSwap:
        operation.sightings = {{.key = key, .value = now->second.value}};
        return Commit(client, {Put(client, key)});
      case Verb::kCompareAndSwap:
        return Compare(client, key, Put(client, key));
      case Verb::kCompareAndDelete:
        return Compare(client, key, Delete(key));
    }
  }

  // --- Reads.

  // Through a view, or of now.
  CommitTs ChooseMoment(Client& client) {
    const bool through_view = client.operation.verb == history::Verb::kRangeFor ||
                              client.operation.verb == history::Verb::kWalk || random_.OneIn(2);
    if (!through_view || client.views.empty()) return latest_;
    client.operation.read_ts = random_.Pick(client.views);
    return *client.operation.read_ts;
  }

  void See(history::Operation& operation, history::KeyIndex key, CommitTs moment) {
    const auto version = At(key, moment);
    history::Sighting sighting{.key = key, .value = version->second.value};
    const bool there = sighting.value != history::kAbsent;
    if (operation.verb == history::Verb::kContains) {
      sighting = {.key = key, .is = !there, .value = history::kAbsent};
    } else if (operation.verb == history::Verb::kGetPinned && there) {
      sighting.commit_ts = version->first;
    }
    operation.sightings.push_back(sighting);
  }

  void Scan(history::Operation& operation, CommitTs moment) {
    const history::KeySpan span = AnySpan();
    operation.scan = history::Scan{span, random_.OneIn(2)};
    for (history::KeyIndex key = span.lower; key < span.upper; ++key) {
      if (At(key, moment)->second.value != history::kAbsent) See(operation, key, moment);
    }
    if (!operation.scan->forward) {
      std::reverse(operation.sightings.begin(), operation.sightings.end());
    }
  }

  // --- Writes.

  history::WriteStep Put(Client& client, history::KeyIndex key) {
    return {history::WriteStep::Kind::kPut,
            {key, key + 1},
            history::ValueOf(client.log.client, ++client.values)};
  }
  static history::WriteStep Delete(history::KeyIndex key) {
    return {history::WriteStep::Kind::kDelete, {key, key + 1}};
  }

  void Commit(Client& client, std::vector<history::WriteStep> steps) {
    latest_.value += random_.Between(2, 6);
    commits_[latest_] = true;
    for (const history::WriteStep& step : steps) {
      const bool by_range = step.kind == history::WriteStep::Kind::kDeleteRange;
      for (history::KeyIndex key = step.keys.lower; key < step.keys.upper; ++key) {
        const bool was_there = std::prev(versions_[key].end())->second.value != history::kAbsent;
        if (step.kind != history::WriteStep::Kind::kPut && !was_there) continue;
        versions_[key][latest_] = {step.value, client.operation.verb, steps.size(), by_range};
      }
    }
    client.operation.commit_ts = latest_;
    client.operation.writes = std::move(steps);
  }

  // Expects what is there, or what once was.
  void Compare(Client& client, history::KeyIndex key, history::WriteStep step) {
    const Versions& versions = versions_[key];
    const history::ValueId now = std::prev(versions.end())->second.value;
    const auto once =
        std::next(versions.begin(), static_cast<std::ptrdiff_t>(random_.Below(versions.size())));
    const history::ValueId expected = random_.OneIn(2) ? now : once->second.value;
    client.operation.sightings = {{.key = key, .is = expected == now, .value = expected}};
    if (expected == now) Commit(client, {step});
  }

  history::KeyIndex AnyKey() { return static_cast<history::KeyIndex>(random_.Below(kKeys)); }
  history::KeySpan AnySpan() {
    const auto lower = static_cast<history::KeyIndex>(random_.Below(kKeys));
    return {lower, static_cast<history::KeyIndex>(random_.Between(lower, kKeys))};
  }

  Random random_;
  int64_t now_ns_ = 0;
  CommitTs latest_{1000};
  std::vector<Versions> versions_;  // By key.
  std::map<CommitTs, bool> commits_;
  std::vector<Client> clients_{kClients};
};

}  // namespace firn::test

#endif  // FIRN_TESTS_HISTORY_GENERATED_HISTORY_H_
