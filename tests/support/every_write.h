// Every call that writes, as a table: what holds for one kind of write holds for all.
#ifndef FIRN_TESTS_SUPPORT_EVERY_WRITE_H_
#define FIRN_TESTS_SUPPORT_EVERY_WRITE_H_

#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "firn/db.h"

namespace firn::test {

struct WriteCall {
  const char* name;
  bool takes_key;
  bool takes_value;
  // Commits if `key` is absent, which is what conditional verbs expect here.
  absl::Status (*run)(Db& db, std::string_view key, std::string_view value,
                      const WriteOptions& options);
};

const std::vector<WriteCall>& EveryWrite();

}  // namespace firn::test

#endif  // FIRN_TESTS_SUPPORT_EVERY_WRITE_H_
