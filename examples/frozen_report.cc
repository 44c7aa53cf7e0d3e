// A report that adds up, while a writer goes on moving money between the accounts.
#include <atomic>
#include <charconv>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>

#include "absl/time/time.h"
#include "firn/firn.h"

namespace {

constexpr int kAccounts = 1000;

std::string Account(int number) { return "account/" + std::to_string(number); }

// Each round is one batch, so the accounts add up at every moment.
void MoveMoney(firn::Db& db, std::atomic<bool>& stop) {
  for (int round = 1; !stop; ++round) {
    firn::WriteBatch batch;
    for (int i = 0; i < kAccounts; ++i) {
      batch.Put(Account(i), std::to_string(100 + (i % 2 == 0 ? round : -round)));
    }
    if (!db.Write(batch).ok()) return;
  }
}

long Sum(firn::Iterator it) {
  long sum = 0;
  for (it.SeekToFirst(); it.Valid(); it.Next()) {
    long amount = 0;
    std::from_chars(it.value().data(), it.value().data() + it.value().size(), amount);
    sum += amount;
  }
  return sum;
}

}  // namespace

int main() {
  std::unique_ptr<firn::Db> db = firn::Db::OpenInMemory().value();
  for (int i = 0; i < kAccounts; ++i) db->Put(Account(i), "100").value();

  const firn::Snapshot report = db->GetSnapshot({.label = "daily report", .owner = "accounting"});
  std::atomic<bool> stop = false;
  std::thread writer(MoveMoney, std::ref(*db), std::ref(stop));
  while (db->Get(Account(0)).value() == "100") std::this_thread::yield();

  const long frozen_sum = Sum(report.NewIterator());
  const long live_sum = Sum(db->NewIterator());
  std::printf("sum in the report %ld, sum now %ld (both must be %d)\n", frozen_sum, live_sum,
              100 * kAccounts);
  std::printf("account 0 in the report: %s\n", report.Get(Account(0)).value()->c_str());
  stop = true;
  writer.join();

  const firn::SnapshotInfo held = db->LiveSnapshots().value().front();
  std::printf("\"%s\" is held by %s for %s and costs %lu bytes\n", held.label.c_str(),
              held.owner.c_str(), absl::FormatDuration(held.age).c_str(), held.price_bytes);
  return frozen_sum == 100 * kAccounts && live_sum == frozen_sum ? 0 : 1;
}
