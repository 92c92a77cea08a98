#pragma once
// Comparison of arrays within a limit. A failure names the worst element, both values and the limit.
#include <gtest/gtest.h>

#include <span>
#include <string>
#include <vector>

#include "engine/tensor.h"

namespace elbow::test {

/// The largest absolute value; 0 if empty. NaN if any is NaN.
double norm(std::span<const double> values);

/// abs(actual - expected) <= limit for every element; NaN agrees with nothing.
::testing::AssertionResult agree(const std::string& what, std::span<const double> actual,
                                 std::span<const double> expected, const Shape& shape, double limit);
/// The same for a tensor, which must have this shape.
::testing::AssertionResult agree(const std::string& what, const Tensor& actual,
                                 std::span<const double> expected, const Shape& shape, double limit);

/// "[1, 0, 4]": where element `i` stands in an array of this shape.
std::string index_in(const Shape& shape, Index i);

}  // namespace elbow::test
