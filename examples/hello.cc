// Put, get, freeze, go on writing, and walk what was frozen.
#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include "firn/firn.h"

namespace {

int Fail(const absl::Status& status) {
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return 1;
}

}  // namespace

int main() {
  absl::StatusOr<std::unique_ptr<firn::Db>> opened = firn::Db::OpenInMemory();
  if (!opened.ok()) return Fail(opened.status());
  firn::Db& db = **opened;

  for (const char* key : {"apple", "cherry", "damson"}) {
    if (const auto put = db.Put(key, "red"); !put.ok()) return Fail(put.status());
  }
  const firn::Snapshot before = db.GetSnapshot({.label = "before breakfast"});
  if (const auto put = db.Put("banana", "yellow"); !put.ok()) return Fail(put.status());
  if (const auto del = db.Delete("cherry"); !del.ok()) return Fail(del.status());

  const absl::StatusOr<std::optional<std::string>> cherry = db.Get("cherry");
  if (!cherry.ok()) return Fail(cherry.status());
  std::printf("cherry now: %s\n", cherry->value_or("gone").c_str());

  std::printf("frozen:");
  firn::EntryRange range = before.Range("a", "z");
  for (auto [key, value] : range) std::printf(" %s", std::string(key).c_str());
  if (!range.status().ok()) return Fail(range.status());

  // Backward, over the newest state.
  std::printf("\nlive:  ");
  firn::Iterator it = db.NewIterator();
  for (it.SeekToLast(); it.Valid(); it.Prev()) std::printf(" %s", std::string(it.key()).c_str());
  if (!it.status().ok()) return Fail(it.status());
  std::printf("\n");
  return 0;
}
// Prints:
//   cherry now: gone
//   frozen: apple cherry damson
//   live:   damson banana apple
