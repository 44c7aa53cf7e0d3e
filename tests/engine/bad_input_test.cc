// Bad input: each mistake is a typed error, and nothing is changed.
#include <sys/mman.h>

#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "firn/firn.h"
#include "gtest/gtest.h"
#include "tests/support/every_write.h"
#include "tests/support/oracle.h"
#include "tests/support/status_checks.h"
#include "tests/support/test_db.h"

namespace firn {
namespace {

using test::Contents;
using test::FailsWith;
using test::IsOk;
using test::OpenTestDb;
using test::ValueOf;

// That many zero bytes, which take no memory until somebody copies them.
class ZeroBytes {
 public:
  explicit ZeroBytes(size_t size)
      : size_(size),
        data_(mmap(nullptr, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)) {
    if (data_ == MAP_FAILED) throw std::bad_alloc();
  }
  ~ZeroBytes() { munmap(data_, size_); }
  ZeroBytes(const ZeroBytes&) = delete;
  ZeroBytes& operator=(const ZeroBytes&) = delete;

  std::string_view view() const { return {static_cast<const char*>(data_), size_}; }

 private:
  size_t size_;
  void* data_;
};

// A Db with "kept=1" that must look the same after every refusal.
class BadInputTest : public ::testing::Test {
 protected:
  BadInputTest() : db_(OpenTestDb()), first_(ValueOf(db_->Put("kept", "1"))) {}

  void ExpectRefused(const absl::Status& status, ErrorKind kind) {
    EXPECT_TRUE(FailsWith(status, kind));
    EXPECT_EQ(Contents(*db_), "kept=1");
    EXPECT_EQ(db_->LatestCommitTs(), first_);
    EXPECT_TRUE(IsOk(db_->VerifyInvariants()));
  }

  std::unique_ptr<Db> db_;
  const CommitTs first_;
};

TEST_F(BadInputTest, AKeyOverTheLimit) {
  const std::string key(kMaxKeyBytes + 1, 'k');
  for (const test::WriteCall& call : test::EveryWrite()) {
    if (!call.takes_key) continue;
    SCOPED_TRACE(call.name);
    ExpectRefused(call.run(*db_, key, "1", {}), ErrorKind::kKeyTooLarge);
  }
}

TEST_F(BadInputTest, AKeyOverTheLimitIsSimplyNotThere) {
  const std::string key(kMaxKeyBytes + 1, 'k');
  const std::vector<std::string_view> keys = {key};
  const Snapshot snapshot = db_->GetSnapshot();
  EXPECT_EQ(ValueOf(db_->Get(key)), std::nullopt);
  EXPECT_EQ(ValueOf(snapshot.Get(key)), std::nullopt);
  EXPECT_FALSE(ValueOf(db_->Contains(key)));
  EXPECT_FALSE(ValueOf(db_->GetPinned(key)).has_value());
  EXPECT_EQ(ValueOf(db_->MultiGet(keys)).at(0), std::nullopt);
}

TEST_F(BadInputTest, AValueOverTheLimit) {
  const ZeroBytes value(kMaxValueBytes + 1);
  for (const test::WriteCall& call : test::EveryWrite()) {
    if (!call.takes_value) continue;
    SCOPED_TRACE(call.name);
    ExpectRefused(call.run(*db_, "big", value.view(), {}), ErrorKind::kValueTooLarge);
  }
}

TEST_F(BadInputTest, TheLargestKeyAndValueAreFine) {
  const std::string key(kMaxKeyBytes, '\xff');
  const ZeroBytes value(kMaxValueBytes);
  EXPECT_TRUE(IsOk(db_->Put(key, value.view())));
  EXPECT_TRUE(IsOk(db_->Settle()));
  EXPECT_TRUE(ValueOf(db_->GetPinned(key))->view() == value.view());
  EXPECT_TRUE(IsOk(db_->Clear()));
  EXPECT_FALSE(ValueOf(db_->Contains(key)));
}

TEST_F(BadInputTest, ABatchOverTheLimit) {
  constexpr size_t kValues = kMaxBatchBytes / kMaxValueBytes;
  const ZeroBytes value(kMaxValueBytes);
  WriteBatch batch;
  for (size_t i = 0; i < kValues; ++i) batch.Put(test::NumberedKey(i), value.view());
  ExpectRefused(db_->Write(batch).status(), ErrorKind::kBatchTooLarge);
}

TEST_F(BadInputTest, ABatchWithOneBadOperationChangesNothing) {
  const std::string long_key(kMaxKeyBytes + 1, 'k');
  const ZeroBytes long_value(kMaxValueBytes + 1);
  for (const bool first : {true, false}) {
    const auto with = [&](const std::function<void(WriteBatch&)>& bad) {
      WriteBatch batch;
      if (first) bad(batch);
      batch.Put("kept", "2");
      batch.Delete("kept");
      batch.Put("other", "1");
      if (!first) bad(batch);
      return db_->Write(batch).status();
    };
    ExpectRefused(with([&](WriteBatch& batch) { batch.Put(long_key, ""); }),
                  ErrorKind::kKeyTooLarge);
    ExpectRefused(with([&](WriteBatch& batch) { batch.Delete(long_key); }),
                  ErrorKind::kKeyTooLarge);
    ExpectRefused(with([&](WriteBatch& batch) {
                    batch.DeleteRange({"b", "a"});
                  }),
                  ErrorKind::kCrossedBounds);
    ExpectRefused(with([&](WriteBatch& batch) { batch.Put("a", long_value.view()); }),
                  ErrorKind::kValueTooLarge);
  }
}

TEST_F(BadInputTest, AFactoryThatMakesTooMuch) {
  const auto factory = [] {
    return absl::StatusOr<std::string>(std::string(kMaxValueBytes + 1, 'v'));
  };
  ExpectRefused(db_->LoadOrStore("a", factory).status(), ErrorKind::kValueTooLarge);
}

TEST_F(BadInputTest, ACrossedRange) {
  ExpectRefused(db_->DeleteRange({"b", "a"}).status(), ErrorKind::kCrossedBounds);
  ExpectRefused(db_->DeleteRange({"z", ""}).status(), ErrorKind::kCrossedBounds);
  ExpectRefused(db_->DeleteRange({std::string_view("a\0", 2), "a"}).status(),
                ErrorKind::kCrossedBounds);
  ExpectRefused(db_->ApproximateCount({"b", "a"}).status(), ErrorKind::kCrossedBounds);
  ExpectRefused(db_->ApproximateBytes({"b", "a"}).status(), ErrorKind::kCrossedBounds);
}

TEST_F(BadInputTest, AnEmptyRangeIsNoMistake) {
  EXPECT_TRUE(IsOk(db_->DeleteRange({"kept", "kept"})));
  EXPECT_TRUE(IsOk(db_->DeleteRange({"", ""})));
  EXPECT_EQ(Contents(*db_), "kept=1");
}

TEST_F(BadInputTest, RangeBoundsMayBeLongerThanAnyKey) {
  const std::string beyond(kMaxKeyBytes + 100, 'k');
  ValueOf(db_->Put("kk", "1"));
  ValueOf(db_->Put("l", "1"));
  EXPECT_TRUE(IsOk(db_->DeleteRange({{}, beyond})));
  EXPECT_EQ(Contents(*db_), "l=1");
  EXPECT_TRUE(IsOk(db_->DeleteRange({beyond, {}})));
  EXPECT_EQ(Contents(*db_), "");
}

TEST_F(BadInputTest, MoreDurabilityThanThereIs) {
  for (const Durability durability :
       {Durability::kAsync, Durability::kBuffered, Durability::kSync}) {
    WriteOptions raised;
    raised.durability = durability;
    for (const test::WriteCall& call : test::EveryWrite()) {
      SCOPED_TRACE(call.name);
      ExpectRefused(call.run(*db_, "absent", "1", raised), ErrorKind::kNoStore);
    }
  }
  WriteOptions as_it_is;
  as_it_is.durability = Durability::kMemory;
  for (const test::WriteCall& call : test::EveryWrite()) {
    EXPECT_TRUE(IsOk(call.run(*db_, std::string("absent for ") + call.name, "1", as_it_is)));
  }
}

TEST_F(BadInputTest, ACallbackThatThrows) {
  ValueOf(db_->Put("more", "2"));
  const Snapshot snapshot = db_->GetSnapshot();
  int calls = 0;
  const auto throws_at_second = [&](std::string_view, std::string_view) -> bool {
    if (++calls == 2) throw std::runtime_error("enough");
    return true;
  };
  EXPECT_TRUE(FailsWith(db_->Range({}, throws_at_second), ErrorKind::kCallbackThrew));
  EXPECT_EQ(calls, 2);
  calls = 0;
  EXPECT_TRUE(FailsWith(snapshot.Range({}, throws_at_second), ErrorKind::kCallbackThrew));
  const auto throws_no_exception_class = [](std::string_view, std::string_view) -> bool {
    throw 42;
  };
  EXPECT_TRUE(FailsWith(db_->Range({}, throws_no_exception_class), ErrorKind::kCallbackThrew));
  EXPECT_TRUE(IsOk(db_->VerifyInvariants()));
  EXPECT_EQ(ValueOf(db_->Stats()).live_snapshot_count, 1u) << "Range() let go of its moment";
}

TEST(BadOptionsTest, TuningOutsideItsRange) {
  using Change = std::function<void(TuningOptions&)>;
  const auto opened = [](const Change& change) {
    Options options;
    change(options.tuning);
    return Db::OpenInMemory(options).status();
  };
  struct Case {
    const char* name;
    size_t TuningOptions::*option;
    size_t least;
    size_t most;
  };
  const Case cases[] = {
      {"block_bytes", &TuningOptions::block_bytes, 64, size_t{1} << 20},
      {"block_entries", &TuningOptions::block_entries, 2, 65'536},
      {"delta_slots", &TuningOptions::delta_slots, 2, 256},
      {"inner_fanout", &TuningOptions::inner_fanout, 4, 1024},
      {"large_value_bytes", &TuningOptions::large_value_bytes, 16, size_t{64} << 10},
  };
  for (const Case& c : cases) {
    const auto with = [&](size_t value) {
      return opened([&](TuningOptions& tuning) { tuning.*c.option = value; });
    };
    EXPECT_TRUE(IsOk(with(c.least))) << c.name;
    EXPECT_TRUE(IsOk(with(c.most))) << c.name;
    for (const size_t bad : {size_t{0}, c.least - 1, c.most + 1, SIZE_MAX}) {
      const absl::Status status = with(bad);
      EXPECT_TRUE(FailsWith(status, ErrorKind::kBadOption)) << c.name;
      EXPECT_NE(std::string(status.message()).find(c.name), std::string::npos)
          << "the message names the option: " << status;
    }
  }
}

// The extremes of each option, with traffic.
TEST(BadOptionsTest, EveryLegalExtremeWorks) {
  for (const bool large : {false, true}) {
    Options options = test::TinyOptions();
    if (large) {
      options.tuning.block_bytes = size_t{1} << 20;
      options.tuning.block_entries = 65'536;
      options.tuning.delta_slots = 256;
      options.tuning.inner_fanout = 1024;
      options.tuning.large_value_bytes = size_t{64} << 10;
    }
    options.tuning.settle_idle_us = large ? UINT64_MAX : 0;
    const auto db = OpenTestDb(options);
    test::Oracle oracle;
    for (size_t i = 0; i < 2000; ++i) {
      const std::string key = test::NumberedKey(i * 7919 % 1000);
      const std::string value(i % 50 * 10, 'v');
      oracle.Put(ValueOf(db->Put(key, value)), key, value);
    }
    EXPECT_EQ(test::ReadForward(*db), oracle.View(db->LatestCommitTs()));
    EXPECT_TRUE(IsOk(db->Settle()));
    EXPECT_EQ(test::ReadBackward(*db), oracle.View(db->LatestCommitTs()));
    EXPECT_TRUE(IsOk(db->VerifyInvariants()));
  }
}

}  // namespace
}  // namespace firn
