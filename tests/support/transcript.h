// How the answers to operations are written down: by whoever gives them, in the same words.
#ifndef FIRN_TESTS_SUPPORT_TRANSCRIPT_H_
#define FIRN_TESTS_SUPPORT_TRANSCRIPT_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "firn/status.h"
#include "firn/types.h"
#include "tests/support/oracle.h"

namespace firn::test {

inline constexpr char kNothing[] = "-";
inline constexpr char kEmptyPlace[] = "nothing is there";
inline constexpr char kConditionFailed[] = "refused";
inline constexpr char kDone[] = "done";

std::string Written(CommitTs ts);
std::string Written(ErrorKind kind);
// Long ones by their ends and a hash.
std::string Written(std::string_view value);
std::string Written(const std::optional<std::string>& value);
std::string Written(const Entry& entry);
std::string Written(const std::vector<Entry>& entries);

}  // namespace firn::test

#endif  // FIRN_TESTS_SUPPORT_TRANSCRIPT_H_
