#include "engine/group_link.h"

#include "engine/big_endian.h"

namespace firn::internal {
namespace {

constexpr char kVersion = 1;

}  // namespace

std::array<char, GroupLink::kEncodedSize> GroupLink::Encode() const {
  std::array<char, kEncodedSize> bytes;
  bytes[0] = kVersion;
  StoreBigEndian(group, &bytes[1]);
  StoreBigEndian(previous, &bytes[9]);
  StoreBigEndian(last_commit_ts.value, &bytes[17]);
  StoreBigEndian(synced_ts.value, &bytes[25]);
  StoreBigEndian(checksum, &bytes[33]);
  return bytes;
}

std::optional<GroupLink> GroupLink::Decode(std::string_view bytes) {
  if (bytes.size() != kEncodedSize || bytes[0] != kVersion) return std::nullopt;
  GroupLink link;
  link.group = LoadBigEndian<uint64_t>(&bytes[1]);
  link.previous = LoadBigEndian<uint64_t>(&bytes[9]);
  link.last_commit_ts.value = LoadBigEndian<uint64_t>(&bytes[17]);
  link.synced_ts.value = LoadBigEndian<uint64_t>(&bytes[25]);
  link.checksum = LoadBigEndian<uint64_t>(&bytes[33]);
  return link;
}

ChainReader::Verdict ChainReader::Next(const std::optional<GroupLink>& link) {
  if (!broken_ && link) {
    if (link->group <= limits_.anchor.group) return Verdict::kTake;
    if (link->previous == end_.group && link->group > end_.group &&
        link->group <= limits_.last_group && link->last_commit_ts >= end_.commit_ts) {
      end_ = {link->group, link->last_commit_ts};
      return Verdict::kTake;
    }
  }
  broken_ = true;
  if (link && link->synced_ts > end_.commit_ts) {
    lost_ = true;
    return Verdict::kLost;
  }
  return Verdict::kLeaveOut;
}

}  // namespace firn::internal
