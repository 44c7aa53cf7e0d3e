#include "engine/table_footer.h"

#include <filesystem>
#include <fstream>
#include <string_view>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "mvcc/status.h"

namespace firn::internal {
namespace {

// checksum type u8 | two block handles, 40 bytes | format version u32 | magic number u64
constexpr size_t kFooterBytes = 53;
constexpr char kChecksumType = 4;  // XXH3.
// Of the block-based table, with format version 5; little-endian.
constexpr std::string_view kVersion("\x05\0\0\0", 4);
constexpr std::string_view kMagic("\xf7\xcf\xf4\x85\xb7\x41\xe2\x88", 8);

// False if the footer is a table's, but not as Firn's tables have it.
bool IsSound(std::string_view footer) {
  if (!footer.ends_with(kMagic)) return true;
  footer.remove_suffix(kMagic.size());
  return footer.front() == kChecksumType && footer.ends_with(kVersion);
}

}  // namespace

absl::Status CheckTableFooters(const std::string& directory) {
  std::error_code error;
  for (std::filesystem::directory_iterator it(directory, error), end; !error && it != end;
       it.increment(error)) {
    if (it->path().extension() != ".sst") continue;
    std::ifstream file(it->path(), std::ios::binary);
    file.seekg(-static_cast<std::streamoff>(kFooterBytes), std::ios::end);
    std::string footer(kFooterBytes, '\0');
    if (!file.read(footer.data(), static_cast<std::streamsize>(footer.size()))) continue;
    if (IsSound(footer)) continue;
    return MakeError(ErrorKind::kDataLoss, absl::StrCat(it->path().string(),
                                                        " is damaged: its footer is wrong; restore "
                                                        "the file"));
  }
  return absl::OkStatus();
}

}  // namespace firn::internal
