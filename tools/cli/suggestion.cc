#include "tools/cli/suggestion.h"

#include <algorithm>
#include <string_view>
#include <vector>

namespace firn::tools {
namespace {

// Levenshtein's distance: insertions, deletions and replacements from one to the other.
size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row.back();
}

std::vector<std::string> FlagsOf(const CLI::App& app) {
  std::vector<std::string> flags;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) flags.push_back("--" + name);
  }
  return flags;
}

}  // namespace

std::string Nearest(const std::string& word, const std::vector<std::string>& known) {
  std::string nearest;
  size_t least = word.size() / 3 + 2;  // Farther is no typing error.
  for (const std::string& each : known) {
    const size_t distance = EditDistance(word, each);
    if (distance >= least) continue;
    least = distance;
    nearest = each;
  }
  return nearest;
}

std::string Suggestion(const CLI::App& app, int argc, char** argv) {
  const CLI::App* scope = &app;
  std::vector<std::string> commands;
  for (const CLI::App* command : app.get_subcommands({})) commands.push_back(command->get_name());
  for (int i = 1; i < argc; ++i) {
    const std::string word = std::string(argv[i]).substr(0, std::string(argv[i]).find('='));
    if (word.size() > 64) return "";  // No typing error.
    if (word.starts_with("--")) {
      const std::vector<std::string> flags = FlagsOf(*scope);
      if (std::count(flags.begin(), flags.end(), word) == 0) return Nearest(word, flags);
      continue;
    }
    if (scope != &app) continue;
    if (std::count(commands.begin(), commands.end(), word) == 0) return Nearest(word, commands);
    scope = app.get_subcommand(word);
  }
  return "";
}

}  // namespace firn::tools
