#include "tests/support/every_write.h"

#include <optional>
#include <string>

namespace firn::test {

const std::vector<WriteCall>& EveryWrite() {
  static const std::vector<WriteCall> calls = {
      {"Put", true, true,
       [](Db& db, std::string_view key, std::string_view value, const WriteOptions& options) {
         return db.Put(key, value, options).status();
       }},
      {"Delete", true, false,
       [](Db& db, std::string_view key, std::string_view, const WriteOptions& options) {
         return db.Delete(key, options).status();
       }},
      {"DeleteRange", false, false,
       [](Db& db, std::string_view, std::string_view, const WriteOptions& options) {
         return db.DeleteRange({"x", "y"}, options).status();
       }},
      {"Clear", false, false,
       [](Db& db, std::string_view, std::string_view, const WriteOptions& options) {
         return db.Clear(options).status();
       }},
      {"Write", true, true,
       [](Db& db, std::string_view key, std::string_view value, const WriteOptions& options) {
         WriteBatch batch;
         batch.Delete("beside");
         batch.Put(key, value);
         return db.Write(batch, options).status();
       }},
      {"LoadOrStore", true, true,
       [](Db& db, std::string_view key, std::string_view value, const WriteOptions& options) {
         return db.LoadOrStore(key, value, options).status();
       }},
      {"LoadOrStore with a factory", true, true,
       [](Db& db, std::string_view key, std::string_view value, const WriteOptions& options) {
         const auto factory = [value] { return absl::StatusOr<std::string>(value); };
         return db.LoadOrStore(key, factory, options).status();
       }},
      {"LoadAndDelete", true, false,
       [](Db& db, std::string_view key, std::string_view, const WriteOptions& options) {
         return db.LoadAndDelete(key, options).status();
       }},
      {"Swap", true, true,
       [](Db& db, std::string_view key, std::string_view value, const WriteOptions& options) {
         return db.Swap(key, value, options).status();
       }},
      {"CompareAndSwap", true, true,
       [](Db& db, std::string_view key, std::string_view value, const WriteOptions& options) {
         return db.CompareAndSwap(key, std::nullopt, value, options).status();
       }},
      {"CompareAndDelete", true, false,
       [](Db& db, std::string_view key, std::string_view, const WriteOptions& options) {
         return db.CompareAndDelete(key, std::nullopt, options).status();
       }},
  };
  return calls;
}

}  // namespace firn::test
