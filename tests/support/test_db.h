// Ready-made Dbs and short ways to read them out.
#ifndef FIRN_TESTS_SUPPORT_TEST_DB_H_
#define FIRN_TESTS_SUPPORT_TEST_DB_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "firn/db.h"
#include "tests/support/oracle.h"

namespace firn::test {

// The smallest legal sizes, so that a few keys make many leaves and every few writes
// change the structure; background work only when a test asks for it.
Options TinyOptions();

std::unique_ptr<Db> OpenTestDb(const Options& options = TinyOptions());

SnapshotOptions Labelled(std::string label, std::string owner = {});

// Every entry within `bounds`, read forward by a checked iterator.
std::vector<Entry> ReadForward(const Snapshot& snapshot, const Bounds& bounds = {});
std::vector<Entry> ReadForward(const Db& db, const Bounds& bounds = {});
// The same read backward and turned around.
std::vector<Entry> ReadBackward(const Snapshot& snapshot, const Bounds& bounds = {});
std::vector<Entry> ReadBackward(const Db& db, const Bounds& bounds = {});

// Settles, and expects a sound structure in which nothing stays that nobody sees. Returns its
// figures. Requires: no snapshots and no iterators.
DbStats ExpectNothingStays(Db& db);

// "a=1 b=2": short contents to compare with a literal.
std::string Contents(const Snapshot& snapshot);
std::string Contents(const Db& db);

// An entry as "key=value".
std::string ToString(std::string_view key, std::string_view value);

// A thousand and more keys that sort by their number: "key000042".
std::string NumberedKey(size_t number);

}  // namespace firn::test

#endif  // FIRN_TESTS_SUPPORT_TEST_DB_H_
