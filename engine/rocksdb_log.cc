#include "engine/rocksdb_log.h"

#include <xxhash.h>

#include <string_view>

namespace firn::internal {
namespace {

// A batch begins with its sequence number, which is known only once it is written, and a count.
constexpr size_t kBatchHeaderBytes = 12;
// Log data in a batch: a tag, its length as a varint of one byte, its bytes.
constexpr char kLogDataTag = 0x3;
constexpr size_t kLinkRecordBytes = 2 + GroupLink::kEncodedSize;
static_assert(GroupLink::kEncodedSize < 128, "the length is one byte");

uint64_t ChecksumOf(std::string_view operations) {
  return XXH3_64bits(operations.data(), operations.size());
}

}  // namespace

rocksdb::Status AppendLink(GroupLink link, rocksdb::WriteBatch* batch) {
  link.checksum = ChecksumOf(std::string_view(batch->Data()).substr(kBatchHeaderBytes));
  const auto bytes = link.Encode();
  return batch->PutLogData(rocksdb::Slice(bytes.data(), bytes.size()));
}

std::optional<GroupLink> LinkOf(const rocksdb::WriteBatch& batch) {
  const std::string_view bytes = batch.Data();
  if (bytes.size() < kBatchHeaderBytes + kLinkRecordBytes) return std::nullopt;
  const std::string_view record = bytes.substr(bytes.size() - kLinkRecordBytes);
  if (record[0] != kLogDataTag || record[1] != char{GroupLink::kEncodedSize}) return std::nullopt;
  const std::optional<GroupLink> link = GroupLink::Decode(record.substr(2));
  const std::string_view operations =
      bytes.substr(kBatchHeaderBytes, bytes.size() - kBatchHeaderBytes - kLinkRecordBytes);
  if (!link || link->checksum != ChecksumOf(operations)) return std::nullopt;
  return link;
}

rocksdb::WalFilter::WalProcessingOption ChainFilter::LogRecordFound(
    unsigned long long, const std::string&, const rocksdb::WriteBatch& batch, rocksdb::WriteBatch*,
    bool* changed) {
  *changed = false;
  deletes_range_ = deletes_range_ || batch.HasDeleteRange();
  switch (reader_.Next(LinkOf(batch))) {
    case ChainReader::Verdict::kTake:
      return WalProcessingOption::kContinueProcessing;
    case ChainReader::Verdict::kLeaveOut:
      return WalProcessingOption::kIgnoreCurrentRecord;
    case ChainReader::Verdict::kLost:
      break;
  }
  return WalProcessingOption::kCorruptedRecord;
}

}  // namespace firn::internal
