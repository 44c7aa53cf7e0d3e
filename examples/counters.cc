// Four threads count: by compare-and-swap, by batches, and with a value made only once.
#include <atomic>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "firn/firn.h"

namespace {

constexpr int kThreads = 4;
constexpr int kAdditions = 1000;

// Adds one; tries again whenever another thread was first.
void Increment(firn::Db& db, const std::string& key) {
  while (true) {
    const std::optional<std::string> old = db.Get(key).value();
    const int count = old.has_value() ? std::stoi(*old) : 0;
    if (db.CompareAndSwap(key, old, std::to_string(count + 1)).value().has_value()) return;
  }
}

}  // namespace

int main() {
  std::unique_ptr<firn::Db> db = firn::Db::OpenInMemory().value();
  std::atomic<int> times_made = 0;

  std::vector<std::thread> threads;
  for (int id = 0; id < kThreads; ++id) {
    threads.emplace_back([&, id] {
      // Whoever comes first makes the value; the others wait for it and get the same.
      db->LoadOrStore("config", [&]() -> absl::StatusOr<std::string> {
          ++times_made;
          return std::string("expensive");
        }).value();
      for (int i = 0; i < kAdditions; ++i) Increment(*db, "shared");
      // Both become visible at one moment.
      firn::WriteBatch batch;
      batch.Put("done/" + std::to_string(id), "yes");
      batch.Put("last", std::to_string(id));
      db->Write(batch).value();
    });
  }
  for (std::thread& thread : threads) thread.join();

  const std::string shared = db->Get("shared").value().value();
  std::printf("shared = %s (%d expected)\n", shared.c_str(), kThreads * kAdditions);
  std::printf("the value of config was made %d time(s)\n", times_made.load());
  for (auto [key, value] : db->GetSnapshot().Range("done/", "done0")) {
    std::printf("%s\n", std::string(key).c_str());
  }
  return shared == std::to_string(kThreads * kAdditions) && times_made == 1 ? 0 : 1;
}
