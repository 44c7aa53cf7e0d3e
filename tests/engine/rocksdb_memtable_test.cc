#include "engine/rocksdb_memtable.h"

#include <iterator>
#include <map>
#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "rocksdb/db.h"
#include "tests/support/random.h"
#include "tests/support/temp_directory.h"

// ThreadSanitizer does not see what orders the threads of the packaged RocksDB.
#ifndef __SANITIZE_THREAD__

namespace firn::internal {
namespace {

TEST(RocksdbMemtableTest, IsWalkedAndSoughtInKeyOrderBothWays) {
  const test::TempDirectory directory;
  rocksdb::Options options;
  options.create_if_missing = true;
  options.memtable_factory = MakeStagingMemtables();
  options.allow_concurrent_memtable_write = false;
  rocksdb::DB* opened = nullptr;
  ASSERT_TRUE(rocksdb::DB::Open(options, directory.path() + "/db", &opened).ok());
  const std::unique_ptr<rocksdb::DB> db(opened);

  test::Random random(1);
  // Many share their first eight bytes, and one is a prefix of another.
  const auto key = [&] {
    return std::string(random.Below(12), 'k') + std::to_string(random.Below(9));
  };
  std::map<std::string, std::string> expected;
  for (int i = 0; i < 500; ++i) {
    const std::string at = key();
    if (random.OneIn(4)) {
      ASSERT_TRUE(db->Delete({}, at).ok());
      expected.erase(at);
    } else {
      ASSERT_TRUE(db->Put({}, at, std::to_string(i)).ok());
      expected[at] = std::to_string(i);
    }
  }

  const std::unique_ptr<rocksdb::Iterator> it(db->NewIterator({}));
  it->SeekToFirst();
  for (const auto& [at, value] : expected) {
    ASSERT_TRUE(it->Valid());
    EXPECT_EQ(it->key().ToString(), at);
    EXPECT_EQ(it->value().ToString(), value);
    it->Next();
  }
  EXPECT_FALSE(it->Valid());
  it->SeekToLast();
  for (auto entry = expected.rbegin(); entry != expected.rend(); ++entry) {
    ASSERT_TRUE(it->Valid());
    EXPECT_EQ(it->key().ToString(), entry->first);
    it->Prev();
  }
  EXPECT_FALSE(it->Valid());
  for (int i = 0; i < 200; ++i) {
    const std::string target = key();
    const auto above = expected.lower_bound(target);
    it->Seek(target);
    ASSERT_EQ(it->Valid(), above != expected.end());
    if (it->Valid()) {
      EXPECT_EQ(it->key().ToString(), above->first);
    }
    const auto past = expected.upper_bound(target);
    it->SeekForPrev(target);
    ASSERT_EQ(it->Valid(), past != expected.begin());
    if (it->Valid()) {
      EXPECT_EQ(it->key().ToString(), std::prev(past)->first);
    }
  }
}

}  // namespace
}  // namespace firn::internal

#endif  // __SANITIZE_THREAD__
