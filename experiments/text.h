#pragma once
// Words and numbers as people read and write them.
#include <set>
#include <string>
#include <string_view>

namespace elbow {

/// The candidate that is most like `word` (fewest insertions, deletions, replacements and swaps), or "" if
/// none is near.
std::string nearest(std::string_view word, const std::set<std::string>& candidates);

/// Shortest text that reads back as the same double: "0.1", "1e5", "64".
std::string shortest(double value);

}  // namespace elbow
