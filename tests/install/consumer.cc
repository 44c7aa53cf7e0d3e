// What an outside project does first.
#include <cstdio>

#include "firn/firn.h"

int main() {
  absl::StatusOr<std::unique_ptr<firn::Db>> opened = firn::Db::OpenInMemory();
  if (!opened.ok()) return std::puts("cannot open"), 1;
  firn::Db& db = **opened;
  if (!db.Put("foo", "1").ok()) return std::puts("cannot put"), 1;
  firn::Snapshot snapshot = db.GetSnapshot({.label = "before"});
  if (!db.Put("foo", "2").ok()) return std::puts("cannot put again"), 1;
  for (auto [key, value] : snapshot.Range("a", "z")) {
    if (key == "foo" && value == "1") return std::puts(FIRN_VERSION_STRING), 0;
  }
  return std::puts("the snapshot is not frozen"), 1;
}
