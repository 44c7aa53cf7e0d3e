// A WriteBatch gathers writes that become visible together.
#ifndef FIRN_WRITE_BATCH_H_
#define FIRN_WRITE_BATCH_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "firn/export.h"
#include "firn/types.h"

namespace firn {

// A WriteBatch is an ordered list of puts, deletes and range deletes that one
// Db::Write() makes visible all at once, at one commit timestamp.
//
// The last operation on a key wins; a range delete covers the batch's earlier
// operations within it.
//
// Thread-safety: one thread at a time.
// Lifetime: owns copies of everything added.
// Errors: limits (types.h) are checked by Db::Write(), which then changes nothing.
//     An addition throws std::bad_alloc when memory is short; the batch is then as before.
class FIRN_EXPORT WriteBatch {
 public:
  void Put(std::string_view key, std::string_view value);
  void Delete(std::string_view key);
  // Deletes every key in `range`; a range whose bounds are crossed makes Write() fail.
  void DeleteRange(const KeyRange& range);

  // Forgets all operations and keeps the memory for reuse.
  void Clear();

  bool empty() const { return operations_.empty(); }
  size_t operation_count() const { return operations_.size(); }
  // All key and value bytes added so far.
  size_t byte_count() const { return bytes_.size(); }

  enum class OperationType : uint8_t { kPut, kDelete, kDeleteRange };
  // One operation, in the order of addition. Views end at the next change of the batch.
  struct Operation {
    OperationType type;
    std::string_view key;    // kPut, kDelete.
    std::string_view value;  // kPut.
    KeyRange range;          // kDeleteRange.
  };
  Operation operation(size_t index) const;

 private:
  // Where an operation's bytes stand in bytes_: first `key_size` of key (or lower
  // bound), then `value_size` of value (or upper bound).
  struct Record {
    OperationType type;
    bool has_lower;
    bool has_upper;
    size_t offset;
    size_t key_size;
    size_t value_size;
  };
  void Append(Record record, std::string_view first, std::string_view second);

  std::vector<Record> operations_;
  std::string bytes_;
};

}  // namespace firn

#endif  // FIRN_WRITE_BATCH_H_
