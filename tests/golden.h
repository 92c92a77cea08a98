#pragma once
// The golden values of tests/golden/operations/, PyTorch's in float64; made by
// tests/golden/make_golden.py.
#include <string>
#include <vector>

#include "tests/cases.h"

namespace elbow::test {

struct GoldenArray {
  Shape shape;
  double norm;  ///< how far the values move, in units of eps, when each operand is rounded once
  std::vector<double> values;
};

/// A case's outputs, then its gradients. Throws std::runtime_error if there is no entry, or one of other
/// operands.
std::vector<GoldenArray> golden_of(const Case&);
std::vector<std::string> golden_keys();

/// A file of the source tree; throws std::runtime_error if it cannot be read.
std::string source_text(const std::string& path);

}  // namespace elbow::test
