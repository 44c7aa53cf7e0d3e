// What stands in the store's log and rows is decoded without harm, and comes back as it was.
#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

#include "engine/big_endian.h"
#include "engine/group_link.h"
#include "engine/rocksdb_rows.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/support/choices.h"

namespace firn::test {
namespace {

using internal::ChainEnd;
using internal::ChainReader;
using internal::GroupLink;

template <class Bytes>
std::string_view ViewOf(const Bytes& bytes) {
  return {bytes.data(), bytes.size()};
}

void DecodeAsEverything(std::string_view bytes) {
  if (const std::optional<GroupLink> link = GroupLink::Decode(bytes)) {
    FIRN_CHECK(ViewOf(link->Encode()) == bytes);
  }
  if (const std::optional<ChainEnd> end = internal::DecodeChainEnd(bytes)) {
    FIRN_CHECK(ViewOf(internal::EncodeChainEnd(*end)) == bytes);
  }
  if (const std::optional<internal::Row> row = internal::DecodeRow(bytes)) {
    FIRN_CHECK(std::string(ViewOf(internal::EncodeRowHeader(row->commit_ts))) +
                   std::string(row->value) ==
               bytes);
  }
}

template <class T>
void CheckNumber(uint64_t any, uint64_t other) {
  const auto a = static_cast<T>(any);
  const auto b = static_cast<T>(other);
  char a_bytes[sizeof(T)];
  char b_bytes[sizeof(T)];
  internal::StoreBigEndian(a, a_bytes);
  internal::StoreBigEndian(b, b_bytes);
  FIRN_CHECK(internal::LoadBigEndian<T>(a_bytes) == a);
  // They sort as bytes.
  FIRN_CHECK((std::string_view(a_bytes, sizeof(T)) < std::string_view(b_bytes, sizeof(T))) ==
             (a < b));
}

uint64_t AnyNumber(ByteChoices& choices) {
  uint64_t number = 0;
  for (int i = 0; i < 8; ++i) number = number << 8 | choices.Below(256);
  return number;
}

void RoundTrip(ByteChoices& choices) {
  GroupLink link;
  link.group = AnyNumber(choices);
  link.previous = AnyNumber(choices);
  link.last_commit_ts.value = AnyNumber(choices);
  link.synced_ts.value = AnyNumber(choices);
  link.checksum = AnyNumber(choices);
  FIRN_CHECK(GroupLink::Decode(ViewOf(link.Encode())) == link);
  CheckNumber<uint64_t>(link.group, link.previous);
  CheckNumber<uint32_t>(link.group, link.previous);
  CheckNumber<uint16_t>(link.group, link.previous);
  CheckNumber<uint8_t>(link.group, link.previous);
}

// A log of links with small numbers, so that they often follow from one another.
void ReadChain(ByteChoices& choices) {
  ChainReader::Limits limits;
  limits.anchor = {choices.Below(4), CommitTs{choices.Below(4)}};
  if (choices.OneIn(2)) limits.last_group = limits.anchor.group + choices.Below(8);
  ChainReader reader(limits);
  bool broken = false;
  bool lost = false;
  while (!choices.empty()) {
    std::optional<GroupLink> link;
    if (choices.Below(8) != 7) {
      link.emplace();
      link->group = choices.Below(8);
      link->previous = link->group - std::min<uint64_t>(link->group, choices.Below(3));
      link->last_commit_ts.value = choices.Below(16);
      link->synced_ts.value = choices.Below(16);
    }
    const ChainEnd before = reader.end();
    const ChainReader::Verdict verdict = reader.Next(link);
    const ChainEnd after = reader.end();
    if (verdict == ChainReader::Verdict::kTake) {
      FIRN_CHECK(!broken);  // Nothing is served from behind a break.
      FIRN_CHECK(link.has_value());
      FIRN_CHECK(link->group <= limits.anchor.group || after.group == link->group);
    } else {
      broken = true;
      FIRN_CHECK(after.group == before.group && after.commit_ts == before.commit_ts);
      const bool tells = link && link->synced_ts > before.commit_ts;
      FIRN_CHECK((verdict == ChainReader::Verdict::kLost) == tells);
      lost |= tells;
    }
    FIRN_CHECK(after.group >= before.group && after.commit_ts >= before.commit_ts);
    FIRN_CHECK(after.group <= std::max(limits.last_group, limits.anchor.group));
    FIRN_CHECK(reader.broken() == broken && reader.lost() == lost);
  }
}

}  // namespace
}  // namespace firn::test

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace firn::test;
  ByteChoices choices(BytesOf(data, size));
  switch (choices.Below(3)) {
    case 0:
      DecodeAsEverything(choices.Bytes(size));
      break;
    case 1:
      RoundTrip(choices);
      break;
    default:
      ReadChain(choices);
      break;
  }
  return 0;
}
