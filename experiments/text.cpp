#include "experiments/text.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <vector>

namespace elbow {

std::string nearest(std::string_view word, const std::set<std::string>& candidates) {
  // Optimal string alignment: rows[i][j] edits turn the first i letters of `word` into the first j of
  // `candidate`.
  const auto distance = [&](const std::string& candidate) {
    std::vector<std::vector<std::size_t>> rows(word.size() + 1,
                                               std::vector<std::size_t>(candidate.size() + 1));
    for (std::size_t i = 0; i <= word.size(); ++i) {
      for (std::size_t j = 0; j <= candidate.size(); ++j) {
        if (i == 0 || j == 0) {
          rows[i][j] = i + j;
          continue;
        }
        const std::size_t replaced = rows[i - 1][j - 1] + (word[i - 1] != candidate[j - 1]);
        rows[i][j] = std::min({rows[i - 1][j] + 1, rows[i][j - 1] + 1, replaced});
        if (i > 1 && j > 1 && word[i - 1] == candidate[j - 2] && word[i - 2] == candidate[j - 1])
          rows[i][j] = std::min(rows[i][j], rows[i - 2][j - 2] + 1);
      }
    }
    return rows.back().back();
  };
  std::string best;
  std::size_t least = word.size() / 3 + 2;
  for (const std::string& candidate : candidates) {
    const std::size_t edits = distance(candidate);
    if (edits < least && edits < candidate.size()) {
      least = edits;
      best = candidate;
    }
  }
  return best;
}

std::string shortest(double value) {
  char buffer[64];
  const auto written = [&](std::to_chars_result result) { return std::string(buffer, result.ptr); };
  const std::string plain = written(std::to_chars(buffer, buffer + sizeof buffer, value));
  if (!std::isfinite(value)) return plain;
  std::string scientific =
      written(std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific));
  // "1e+05" reads better as "1e5", and "1e-05" as "1e-5".
  const std::size_t digits = scientific.find('e') + 2;
  while (digits + 1 < scientific.size() && scientific[digits] == '0') scientific.erase(digits, 1);
  if (scientific[digits - 1] == '+') scientific.erase(digits - 1, 1);
  return scientific.size() < plain.size() ? scientific : plain;
}

}  // namespace elbow
