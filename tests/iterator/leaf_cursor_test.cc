#include "iterator/leaf_cursor.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"
#include "tests/support/leaf_builder.h"
#include "tests/support/random.h"

namespace firn::internal {
namespace {

using test::LeafBuilder;

struct Shown {
  std::string key;
  std::string value;
  uint64_t commit_ts;
  friend bool operator==(const Shown&, const Shown&) = default;
};
std::ostream& operator<<(std::ostream& out, const Shown& shown) {
  return out << shown.key.substr(0, 20) << "=" << shown.value.substr(0, 20) << "@"
             << shown.commit_ts;
}

std::vector<Shown> Contents(const ReadyWindow& window, bool large) {
  std::vector<Shown> shown;
  for (size_t i = window.begin; i < window.end; ++i) {
    const ReadyEntry& entry = window.entries[i];
    const std::string_view value = large ? reinterpret_cast<const LargeValue*>(entry.value)->view()
                                         : std::string_view(entry.value, entry.value_size);
    shown.push_back(
        {std::string(entry.key, entry.key_size), std::string(value), window.CommitTsOf(i)});
  }
  return shown;
}

// A long run where nearly every other key has a fresh value, up to its very ends.
std::vector<Shown> CoveredShown() {
  std::vector<Shown> shown;
  for (char key = 'A'; key <= 'z'; ++key) {
    if (key == 'X') continue;
    const bool fresh = key % 2 == 1 || key == 'z';
    shown.push_back({std::string(1, key), fresh ? "fresh" : "run", fresh ? 6u : 2u});
    if (key == 'e') shown.push_back({"e+", "7", 7});
  }
  return shown;
}

// A leaf, what a snapshot at 9 sees of it, and a cursor over it.
struct LeafCase {
  const char* name;
  void (*fill)(LeafBuilder& leaf);
  std::vector<Shown> visible;
  bool has_large = false;
};

// A run of one letter each from b to m, with fresh entries among, at and in place of them.
std::vector<Shown> StretchesShown() {
  std::vector<Shown> shown = {{"a", "5", 5}};
  for (char key = 'b'; key <= 'm'; ++key) {
    if (key == 'h') {
      shown.push_back({"hh", "8", 8});
    } else if (key == 'g') {
      shown.push_back({"g", "6", 6});
    } else if (key == 'm') {
      shown.push_back({"m", "9", 9});
    } else {
      shown.push_back({std::string(1, key), "run", 2});
    }
  }
  return shown;
}

const std::vector<LeafCase>& LeafCases() {
  static const std::vector<LeafCase> cases = {
      {"Empty", [](LeafBuilder&) {}, {}},
      {"PlainRun",
       [](LeafBuilder& leaf) {
         leaf.Frozen("", "3:e").Frozen("b", "5:b").Frozen("c", "9:c").Frozen("d", "1:d");
       },
       {{"", "e", 3}, {"b", "b", 5}, {"c", "c", 9}, {"d", "d", 1}}},
      {"NewerThanTheSnapshot",
       [](LeafBuilder& leaf) {
         leaf.Frozen("a", "10:new").Frozen("b", "11:new 5:b").Frozen("c", "3:c");
       },
       {{"b", "b", 5}, {"c", "c", 3}}},
      {"TombstonesAtBothEnds",
       [](LeafBuilder& leaf) {
         leaf.Frozen("a", "9:- 3:a").Frozen("b", "5:b").Frozen("c", "12:- 4:c").Frozen("d", "7:-");
       },
       {{"b", "b", 5}, {"c", "c", 4}}},
      {"OnlyTombstones",
       [](LeafBuilder& leaf) { leaf.Frozen("a", "9:-").Frozen("b", "8:-").Fresh("c", "7:-"); },
       {}},
      {"FreshAlone",
       [](LeafBuilder& leaf) {
         leaf.Fresh("d", "5:d").Fresh("a", "7:a").Fresh("c", "10:late").Fresh("b", "8:b 2:old");
       },
       {{"a", "a", 7}, {"b", "b", 8}, {"d", "d", 5}}},
      {"FreshOverFrozen",
       [](LeafBuilder& leaf) {
         leaf.Frozen("a", "1:a").Frozen("b", "1:b").Frozen("c", "1:c").Frozen("d", "1:d");
         leaf.Fresh("b", "5:b5").Fresh("c", "10:late").Fresh("d", "6:-").Fresh("bb", "7:bb");
       },
       {{"a", "a", 1}, {"b", "b5", 5}, {"bb", "bb", 7}, {"c", "c", 1}}},
      {"FreshAtBothEnds",
       [](LeafBuilder& leaf) {
         leaf.Frozen("m", "1:m").Fresh("z", "5:z").Fresh("", "5:e").Fresh("a", "5:-");
       },
       {{"", "e", 5}, {"m", "m", 1}, {"z", "z", 5}}},
      {"StretchesBetweenFresh",
       [](LeafBuilder& leaf) {
         for (char key = 'b'; key <= 'm'; ++key) leaf.Frozen({&key, 1}, "2:run");
         leaf.Fresh("a", "5:5").Fresh("g", "6:6").Fresh("h", "7:-").Fresh("hh", "8:8");
         leaf.Fresh("i", "10:late").Fresh("m", "9:9");
       },
       StretchesShown()},
      {"CoveredByFresh",
       [](LeafBuilder& leaf) {
         for (char key = 'A'; key <= 'z'; ++key) {
           leaf.Frozen({&key, 1}, "2:run");
           if (key != 'X' && (key % 2 == 1 || key == 'z')) leaf.Fresh({&key, 1}, "6:fresh");
         }
         leaf.Fresh("X", "8:-").Fresh("e+", "7:7").Fresh("f", "10:late");
       },
       CoveredShown()},
      {"LargeAmongSmall",
       [](LeafBuilder& leaf) {
         leaf.Frozen("a", {{1, "large value of a"}}).Frozen("b", "1:b").Frozen("c", "1:c");
         leaf.Fresh("bb", {{5, "large value of bb"}}).Fresh("c", {{5, "large value of c"}});
         leaf.Frozen("d", {{10, "small"}, {2, "large, older value of d"}}).Frozen("e", "3:e");
       },
       {{"a", "large value of a", 1},
        {"b", "b", 1},
        {"bb", "large value of bb", 5},
        {"c", "large value of c", 5},
        {"d", "large, older value of d", 2},
        {"e", "e", 3}},
       true},
      {"Binary",
       [](LeafBuilder& leaf) {
         leaf.Frozen(std::string("\0", 1), "1:z").Frozen("\xff", "1:f").Frozen("\xff\xff", "1:ff");
         leaf.Fresh(std::string("\0\0", 2), "2:zz").Fresh(std::string(65'535, 'k'), "2:huge");
       },
       {{std::string("\0", 1), "z", 1},
        {std::string("\0\0", 2), "zz", 2},
        {std::string(65'535, 'k'), "huge", 2},
        {"\xff", "f", 1},
        {"\xff\xff", "ff", 1}}},
  };
  return cases;
}

class LeafCursorTest : public testing::TestWithParam<LeafCase> {
 protected:
  LeafCursorTest() {
    GetParam().fill(builder_);
    state_ = builder_.Build();
  }
  ~LeafCursorTest() override {
    cursor_.Leave();
    builder_.Destroy(state_);
  }

  const std::vector<Shown>& visible() const { return GetParam().visible; }
  // The position of the first visible key >= target (> target).
  size_t PlaceBefore(const std::string& target) const {
    return static_cast<size_t>(
        std::partition_point(visible().begin(), visible().end(),
                             [&](const Shown& s) { return s.key < target; }) -
        visible().begin());
  }
  size_t PlaceAfter(const std::string& target) const {
    return static_cast<size_t>(
        std::partition_point(visible().begin(), visible().end(),
                             [&](const Shown& s) { return s.key <= target; }) -
        visible().begin());
  }

  // Fills once and checks the window against the visible entries [0, count): those from `place`
  // on, or those up to it. Returns how many came.
  size_t Forward(size_t place, size_t limit, size_t end) {
    bool large;
    const bool found = cursor_.FillForward(&window_, limit, /*keys_only=*/false, &large);
    EXPECT_EQ(found, place < end) << "at " << place;
    if (!found) return 0;
    const std::vector<Shown> shown = Contents(window_, large);
    EXPECT_GE(shown.size(), 1u);
    EXPECT_LE(shown.size(), limit);
    for (size_t i = 0; i < shown.size(); ++i) EXPECT_EQ(shown[i], visible().at(place + i));
    if (large) {
      EXPECT_EQ(shown.size(), 1u);
    }
    if (!GetParam().has_large) {
      EXPECT_EQ(shown.size(), std::min(limit, end - place));
    }
    return shown.size();
  }
  size_t Backward(size_t place, size_t limit, size_t begin) {
    bool large;
    const bool found = cursor_.FillBackward(&window_, limit, /*keys_only=*/false, &large);
    EXPECT_EQ(found, place > begin) << "at " << place;
    if (!found) return 0;
    const std::vector<Shown> shown = Contents(window_, large);
    EXPECT_GE(shown.size(), 1u);
    EXPECT_LE(shown.size(), limit);
    for (size_t i = 0; i < shown.size(); ++i) {
      EXPECT_EQ(shown[i], visible().at(place - shown.size() + i));
    }
    if (large) {
      EXPECT_EQ(shown.size(), 1u);
    }
    return shown.size();
  }

  // Every visible key, a place behind each, and both ends.
  std::vector<std::string> Targets() const {
    std::vector<std::string> targets = {"", "\xff\xff\xff"};
    for (const Shown& shown : visible()) {
      targets.push_back(shown.key);
      targets.push_back(shown.key + "!");
    }
    return targets;
  }

  SpanAllocator allocator_;
  LargeValueHeap heap_;
  LeafBuilder builder_{allocator_, heap_, 10};
  LeafState* state_ = nullptr;
  LeafCursor cursor_;
  ReadyWindow window_;
};

constexpr size_t kLimits[] = {1, 2, 3, ReadyWindow::kCapacity};

TEST_P(LeafCursorTest, WalksForwardFromEveryCut) {
  for (const size_t limit : kLimits) {
    for (const std::string& target : Targets()) {
      for (const bool after : {false, true}) {
        cursor_.Enter(state_, 9, KeyBounds());
        size_t place = after ? PlaceAfter(target) : PlaceBefore(target);
        after ? cursor_.CutAfter(target) : cursor_.CutBefore(target);
        while (const size_t came = Forward(place, limit, visible().size())) place += came;
        EXPECT_EQ(place, visible().size());
      }
    }
  }
}

TEST_P(LeafCursorTest, WalksBackwardFromEveryCut) {
  for (const size_t limit : kLimits) {
    for (const std::string& target : Targets()) {
      for (const bool after : {false, true}) {
        cursor_.Enter(state_, 9, KeyBounds());
        size_t place = after ? PlaceAfter(target) : PlaceBefore(target);
        after ? cursor_.CutAfter(target) : cursor_.CutBefore(target);
        while (const size_t came = Backward(place, limit, 0)) place -= came;
        EXPECT_EQ(place, 0u);
      }
    }
    cursor_.Enter(state_, 9, KeyBounds());
    cursor_.CutAtEnd();
    size_t place = visible().size();
    while (const size_t came = Backward(place, limit, 0)) place -= came;
    EXPECT_EQ(place, 0u);
  }
}

TEST_P(LeafCursorTest, TurnsAroundAnywhereAtTheWindowsEdges) {
  test::Random random(42);
  for (int round = 0; round < 50; ++round) {
    cursor_.Enter(state_, 9, KeyBounds());
    cursor_.CutBefore("");
    size_t front = 0;  // The window shows [front, back).
    size_t back = 0;
    for (int move = 0; move < 20; ++move) {
      const size_t limit = random.Between(1, 4);
      if (random.OneIn(2)) {
        if (const size_t came = Forward(back, limit, visible().size())) {
          front = back;
          back += came;
        }
      } else if (const size_t came = Backward(front, limit, 0)) {
        back = front;
        front -= came;
      }
    }
  }
}

TEST_P(LeafCursorTest, StaysWithinBounds) {
  for (size_t first = 0; first <= visible().size(); ++first) {
    for (size_t last = first; last <= visible().size(); ++last) {
      KeyBounds bounds;
      if (first > 0) bounds.lower = visible()[first - 1].key + '\0';
      if (last < visible().size()) bounds.upper = visible()[last].key;
      if (bounds.empty()) continue;
      for (const size_t limit : kLimits) {
        cursor_.Enter(state_, 9, bounds);
        cursor_.CutBefore(bounds.lower);
        size_t place = first;
        while (const size_t came = Forward(place, limit, last)) place += came;
        EXPECT_EQ(place, last);
        cursor_.Enter(state_, 9, bounds);
        cursor_.CutAtEnd();
        place = last;
        while (const size_t came = Backward(place, limit, first)) place -= came;
        EXPECT_EQ(place, first);
      }
    }
  }
}

TEST_P(LeafCursorTest, ShowsKeysWithoutValues) {
  for (const bool forward : {true, false}) {
    cursor_.Enter(state_, 9, KeyBounds());
    forward ? cursor_.CutBefore("") : cursor_.CutAtEnd();
    const auto fill = [&](bool* large) {
      constexpr size_t kLimit = ReadyWindow::kCapacity;
      return forward ? cursor_.FillForward(&window_, kLimit, /*keys_only=*/true, large)
                     : cursor_.FillBackward(&window_, kLimit, /*keys_only=*/true, large);
    };
    std::vector<Shown> shown;
    bool large = true;
    while (fill(&large)) {
      EXPECT_FALSE(large);
      const std::vector<Shown> more = Contents(window_, false);
      shown.insert(forward ? shown.end() : shown.begin(), more.begin(), more.end());
    }
    ASSERT_EQ(shown.size(), visible().size());
    for (size_t i = 0; i < shown.size(); ++i) {
      EXPECT_EQ(shown[i], (Shown{visible()[i].key, "", visible()[i].commit_ts}));
    }
  }
}

TEST_P(LeafCursorTest, AFillThatFindsNothingLeavesTheWindow) {
  if (visible().empty()) return;
  cursor_.Enter(state_, 9, KeyBounds());
  cursor_.CutAtEnd();
  Backward(visible().size(), 1, 0);
  bool large;
  EXPECT_FALSE(cursor_.FillForward(&window_, ReadyWindow::kCapacity, false, &large));
  const ReadyEntry& entry = window_.entries[window_.begin];
  EXPECT_TRUE(std::string_view(entry.key, entry.key_size) == visible().back().key);
  // And the cursor stands where it stood: before the window is the last but one.
  if (visible().size() > 1) Backward(visible().size() - 1, 1, 0);
}

INSTANTIATE_TEST_SUITE_P(, LeafCursorTest, testing::ValuesIn(LeafCases()),
                         [](const auto& row) { return std::string(row.param.name); });

// Beyond its fences a leaf has nothing to say, wherever the target is.
TEST(LeafCursorFencesTest, TargetsOutsideTheFencesCutAtTheEnds) {
  SpanAllocator allocator;
  LargeValueHeap heap;
  LeafBuilder builder(allocator, heap);
  LeafState* state = builder.Frozen("m", "1:m").Fresh("n", "2:n").Build({"m", "p"});
  LeafCursor cursor;
  ReadyWindow window;
  bool large;
  for (const char* below : {"", "a", "m"}) {
    cursor.Enter(state, 9, KeyBounds());
    cursor.CutBefore(below);
    EXPECT_FALSE(cursor.FillBackward(&window, ReadyWindow::kCapacity, false, &large));
    ASSERT_TRUE(cursor.FillForward(&window, ReadyWindow::kCapacity, false, &large));
    EXPECT_EQ(window.end - window.begin, 2u);
  }
  for (const char* above : {"p", "q"}) {
    cursor.Enter(state, 9, KeyBounds());
    cursor.CutBefore(above);
    EXPECT_FALSE(cursor.FillForward(&window, ReadyWindow::kCapacity, false, &large));
    ASSERT_TRUE(cursor.FillBackward(&window, ReadyWindow::kCapacity, false, &large));
    EXPECT_EQ(window.end - window.begin, 2u);
  }
  KeyBounds beyond;
  beyond.lower = "q";
  cursor.Enter(state, 9, beyond);
  cursor.CutAtEnd();
  EXPECT_FALSE(cursor.FillBackward(&window, ReadyWindow::kCapacity, false, &large));
  cursor.Leave();
  builder.Destroy(state);
}

// Hundreds of entries: many windows, of full capacity.
TEST(LeafCursorFencesTest, ALongRunComesInFullWindows) {
  SpanAllocator allocator;
  LargeValueHeap heap;
  LeafBuilder builder(allocator, heap);
  for (int i = 0; i < 1'000; ++i) builder.Frozen(std::to_string(10'000 + i), "1:v");
  LeafState* state = builder.Build();
  LeafCursor cursor;
  ReadyWindow window;
  bool large;
  for (const uint64_t read_ts : {1, 9}) {
    cursor.Enter(state, read_ts, KeyBounds());
    cursor.CutBefore("");
    int i = 0;
    while (cursor.FillForward(&window, ReadyWindow::kCapacity, false, &large)) {
      for (const Shown& shown : Contents(window, large)) {
        EXPECT_EQ(shown.key, std::to_string(10'000 + i++));
      }
    }
    EXPECT_EQ(i, 1'000);
    i -= static_cast<int>(window.end - window.begin);  // Back before the last window.
    while (cursor.FillBackward(&window, ReadyWindow::kCapacity, false, &large)) {
      i -= static_cast<int>(window.end - window.begin);
      EXPECT_EQ(Contents(window, large).front().key, std::to_string(10'000 + i));
    }
    EXPECT_EQ(i, 0);
  }
  cursor.Leave();
  builder.Destroy(state);
}

}  // namespace
}  // namespace firn::internal
