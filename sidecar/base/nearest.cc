#include "sidecar/base/nearest.h"

#include <algorithm>
#include <numeric>

namespace ringside::base {
namespace {

// Letters to put in, take out or change.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0u);
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t corner = row[0]++;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t change = corner + (a[i] == b[j] ? 0 : 1);
      corner = row[j + 1];
      row[j + 1] = std::min({change, row[j] + 1, corner + 1});
    }
  }
  return row.back();
}

}  // namespace

std::string nearest_word(std::string_view wrong, const std::vector<std::string_view>& known) {
  constexpr std::size_t kMaxLength = 64;
  if (wrong.size() > kMaxLength) return "";
  std::string_view best;
  std::size_t best_distance = std::max<std::size_t>(2, wrong.size() / 3) + 1;
  for (const std::string_view word : known) {
    const std::size_t found = distance(wrong, word);
    if (found < best_distance) best_distance = found, best = word;
  }
  return std::string(best);
}

}  // namespace ringside::base
