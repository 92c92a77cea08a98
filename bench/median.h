#pragma once
// The middle of several measurements: what a disturbed one does not move.
#include <algorithm>
#include <vector>

namespace elbow::bench {

/// The upper of the two middle values of an even number; `values` not empty.
inline double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace elbow::bench
