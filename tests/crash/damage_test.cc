// Files that were cut, flipped, lost or exchanged: a Db opens with a state that it really had,
// no older than what was acknowledged, or refuses and leaves everything as it was.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/crash/child_process.h"
#include "tests/crash/damaged_files.h"
#include "tests/support/random.h"
#include "tests/support/temp_directory.h"

namespace firn::test {
namespace {

namespace fs = std::filesystem;
using Kind = OpenVerdict::Kind;

class DamageTest : public ::testing::Test {
 protected:
  DamageTest() { history_ = BuildAndAbandon(original(), PrintedSeed()); }
  ~DamageTest() override {
    std::printf("%zu trials: %zu opened, %zu refused\n", opened_ + refused_, opened_, refused_);
  }

  std::string original() const { return root_ + "/original"; }
  std::string copy() const { return root_ + "/copy"; }
  std::vector<std::string> FileNames() const {
    std::vector<std::string> names;
    for (const fs::directory_entry& entry : fs::directory_iterator(original())) {
      names.push_back(entry.path().filename().string());
    }
    std::sort(names.begin(), names.end());
    return names;
  }
  std::string FileName(const std::string& ending) const {
    return fs::path(NewestFile(original(), ending)).filename().string();
  }
  std::string Bytes(const std::string& name) const { return ReadFile(original() + "/" + name); }

  // A trial: one file of a fresh copy holds other bytes. `what` says which for the reader.
  void Try(const std::string& name, const std::string& bytes, Boot boot, const std::string& what) {
    fs::remove_all(copy());
    fs::copy(original(), copy(), fs::copy_options::recursive);
    WriteFile(copy() + "/" + name, bytes);
    ASSERT_NO_FATAL_FAILURE(Judge(boot, what));
  }
  void TryWithout(const std::string& name, Boot boot) {
    fs::remove_all(copy());
    fs::copy(original(), copy(), fs::copy_options::recursive);
    fs::remove(copy() + "/" + name);
    ASSERT_NO_FATAL_FAILURE(Judge(boot, name + " is missing"));
  }

  void Judge(Boot boot, const std::string& what) {
    SCOPED_TRACE(what + (boot == Boot::kSame ? ", same boot" : ", new boot"));
    const OpenVerdict verdict = OpenAndJudge(copy(), history_, boot);
    last_ = verdict;
    ASSERT_NE(verdict.kind, Kind::kWrong) << verdict.text;
    ASSERT_NE(verdict.kind, Kind::kKilled) << verdict.text;
    if (verdict.kind == Kind::kOpened) {
      ++opened_;
      return;
    }
    ++refused_;
    ASSERT_NE(verdict.text.find(copy()), std::string::npos)
        << "the error does not say where: " << verdict.text;
    // Nothing was changed: with the right bytes again all is there.
    for (const std::string& name : FileNames()) {
      fs::copy_file(original() + "/" + name, copy() + "/" + name,
                    fs::copy_options::overwrite_existing);
    }
    const OpenVerdict repaired = OpenAndJudge(copy(), history_, Boot::kSame);
    ASSERT_EQ(repaired.kind, Kind::kOpened) << "after " << verdict.text << ": " << repaired.text;
  }

  const TempDirectory directory_;
  const std::string& root_ = directory_.path();
  DiskHistory history_;
  OpenVerdict last_{};
  size_t opened_ = 0;
  size_t refused_ = 0;
};

Boot RandomBoot(Random& random) { return random.OneIn(2) ? Boot::kSame : Boot::kNew; }

TEST_F(DamageTest, UndamagedOpens) {
  for (const Boot boot : {Boot::kSame, Boot::kNew}) {
    Try(FileName(".log"), Bytes(FileName(".log")), boot, "nothing");
    EXPECT_EQ(last_.kind, Kind::kOpened) << last_.text;
  }
}

// FIRN_TORN_TRIALS=0: every byte.
TEST_F(DamageTest, TornLog) {
  const uint64_t trials = NumberFromEnv("FIRN_TORN_TRIALS", 200);
  const std::string name = FileName(".log");
  const std::string log = Bytes(name);
  const uint64_t first = log.size() - std::min<uint64_t>(log.size(), 64 << 10);
  Random random(PrintedSeed());
  for (uint64_t trial = 0; trial < (trials != 0 ? trials : log.size() - first); ++trial) {
    const uint64_t at = trials != 0 ? random.Between(first, log.size() - 1) : first + trial;
    std::string torn = log.substr(0, at);
    std::string what =
        name + " ends at " + std::to_string(at) + " of " + std::to_string(log.size());
    switch (random.Below(3)) {
      case 0:
        break;
      case 1:
        torn.resize(log.size(), '\0');
        what += ", zeros follow";
        break;
      case 2:
        while (torn.size() < log.size()) torn += static_cast<char>(random.Below(256));
        what += ", garbage follows";
        break;
    }
    ASSERT_NO_FATAL_FAILURE(Try(name, torn, RandomBoot(random), what));
  }
  EXPECT_GT(opened_, 0u);
  EXPECT_GT(refused_, 0u);
}

TEST_F(DamageTest, FlippedBit) {
  const uint64_t trials = NumberFromEnv("FIRN_FLIP_TRIALS", 200);
  const std::vector<std::string> names = FileNames();
  const std::string log_name = FileName(".log");
  const std::vector<uint64_t> headers = LogRecordHeaders(Bytes(log_name));
  std::string manifest;
  for (const std::string& name : names) {
    if (name.starts_with("MANIFEST")) manifest = name;
  }
  Random random(PrintedSeed());
  for (uint64_t trial = 0; trial < trials; ++trial) {
    const bool in_header = random.OneIn(4);  // Of a record of the log.
    std::string name;
    std::string bytes;
    while (bytes.empty()) {
      name = in_header ? log_name : random.OneIn(4) ? manifest : names[random.Below(names.size())];
      bytes = Bytes(name);
    }
    const uint64_t at = in_header ? headers[random.Below(headers.size())] + 4 + random.Below(3)
                                  : random.Below(bytes.size());
    const int bit = static_cast<int>(random.Below(8));
    bytes[at] = static_cast<char>(bytes[at] ^ (1 << bit));
    ASSERT_NO_FATAL_FAILURE(Try(name, bytes, RandomBoot(random),
                                "bit " + std::to_string(bit) + " of byte " + std::to_string(at) +
                                    " of " + name + " flipped"));
  }
  EXPECT_GT(refused_, 0u);
}

// Old values, new values, and range deletes, in a table between them or in the log. RocksDB's
// iterator comes to the damaged block of the new values while it leaps over the old ones.
void BuildLayers(const std::string& path, bool ranges_in_log) {
  Db& db = *Db::Open({}, path).value().release();  // Not closed: the log stays.
  const auto key = [](int i) { return "key" + std::to_string(100 + i); };
  const auto delete_ranges = [&] {
    for (const int from : {10, 30, 50, 70}) {
      db.DeleteRange({key(from), key(from + 20)}).status().IgnoreError();
    }
  };
  for (int i = 0; i < 100; ++i) db.Put(key(i), "old").status().IgnoreError();
  db.Flush().IgnoreError();
  if (!ranges_in_log) delete_ranges();
  db.Flush().IgnoreError();
  for (int i = 0; i < 100; i += 2) {
    db.Put(key(i), std::string(500, static_cast<char>('!' + i))).status().IgnoreError();
  }
  db.Flush().IgnoreError();
  if (ranges_in_log) delete_ranges();
}

TEST_F(DamageTest, DamagedBlockAmongRangeDeletes) {
  for (const bool ranges_in_log : {false, true}) {
    const std::string layers = root_ + (ranges_in_log ? "/log" : "/tables");
    InChild([&] {
      BuildLayers(layers, ranges_in_log);
      return "";
    });
    std::string table;  // That of the new values.
    for (const fs::directory_entry& entry : fs::directory_iterator(layers)) {
      if (entry.path().extension() == ".sst" && entry.file_size() > 20'000) {
        table = entry.path().filename();
      }
    }
    ASSERT_NE(table, "");
    const std::string whole = ReadFile(layers + "/" + table);
    for (size_t at = 100; at < 20'000; at += 1000) {
      fs::remove_all(copy());
      fs::copy(layers, copy(), fs::copy_options::recursive);
      std::string bytes = whole;
      bytes[at] ^= 1;
      WriteFile(copy() + "/" + table, bytes);
      const std::string end = InChild([&] { return Db::Open({}, copy()).status().ToString(); });
      ASSERT_TRUE(end.starts_with("DATA_LOSS")) << table << " at " << at << ": " << end;
      ASSERT_NE(end.find(table), std::string::npos) << end;
    }
    EXPECT_EQ(
        InChild([&] { return std::to_string(EntriesOf(*Db::Open({}, layers).value()).size()); }),
        ranges_in_log ? "20" : "60");
  }
}

TEST_F(DamageTest, MissingFile) {
  for (const std::string& name : FileNames()) {
    for (const Boot boot : {Boot::kSame, Boot::kNew}) {
      ASSERT_NO_FATAL_FAILURE(TryWithout(name, boot));
      const bool carries_data = name.ends_with(".sst") || name.starts_with("MANIFEST") ||
                                name == "CURRENT" ||
                                (name.ends_with(".log") && boot == Boot::kSame);
      if (carries_data) {
        EXPECT_EQ(last_.kind, Kind::kRefused) << name;
      }
    }
  }
}

TEST_F(DamageTest, TruncatedFile) {
  Random random(PrintedSeed());
  for (const std::string& name : FileNames()) {
    const std::string bytes = Bytes(name);
    for (const uint64_t size : {uint64_t{0}, uint64_t{bytes.size() / 2}}) {
      if (bytes.empty()) continue;
      ASSERT_NO_FATAL_FAILURE(Try(name, bytes.substr(0, size), RandomBoot(random),
                                  name + " is cut to " + std::to_string(size)));
    }
  }
}

TEST_F(DamageTest, SwappedFiles) {
  const std::vector<std::string> names = FileNames();
  for (const std::string& ending : {std::string(".sst"), std::string(".log")}) {
    std::vector<std::string> alike;
    for (const std::string& name : names) {
      if (name.ends_with(ending)) alike.push_back(name);
    }
    for (size_t i = 0; i + 1 < alike.size(); ++i) {
      ASSERT_NO_FATAL_FAILURE(
          Try(alike[i], Bytes(alike[i + 1]), Boot::kSame, alike[i] + " holds " + alike[i + 1]));
    }
  }
}

// These tests can fail: a side file that forgets what was promised, as no power cut of the same
// boot leaves it, makes a cut log look whole.
TEST_F(DamageTest, FindsASilentLoss) {
  const std::string log = FileName(".log");
  const std::string acked = "FIRN_ACKED";
  fs::copy(original(), copy(), fs::copy_options::recursive);
  std::string page = Bytes(acked);
  page.replace(16, 16, std::string(16, '\0'));  // Both figures.
  WriteFile(copy() + "/" + acked, page);
  WriteFile(copy() + "/" + log, Bytes(log).substr(0, Bytes(log).size() / 2));
  EXPECT_EQ(OpenAndJudge(copy(), history_, Boot::kSame).kind, Kind::kWrong);
}

}  // namespace
}  // namespace firn::test
