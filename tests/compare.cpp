#include "tests/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace elbow::test {

double norm(std::span<const double> values) {
  double largest = 0;
  for (const double value : values) {
    if (std::isnan(value)) return value;
    largest = std::max(largest, std::abs(value));
  }
  return largest;
}

std::string index_in(const Shape& shape, Index i) {
  std::string text;
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    text = fmt::format("{}{}{}", i % shape[axis], text.empty() ? "" : ", ", text);
    i /= shape[axis];
  }
  return fmt::format("[{}]", text);
}

::testing::AssertionResult agree(const std::string& what, std::span<const double> actual,
                                 std::span<const double> expected, const Shape& shape, double limit) {
  if (actual.size() != expected.size()) {
    return ::testing::AssertionFailure()
           << fmt::format("{}: {} elements, expected {}", what, actual.size(), expected.size());
  }
  std::size_t worst = 0;
  double largest = -1;
  for (std::size_t i = 0; i < actual.size(); ++i) {
    const double difference = std::abs(actual[i] - expected[i]);
    if (difference <= largest) continue;
    worst = i;
    largest = std::isnan(difference) ? std::numeric_limits<double>::infinity() : difference;
  }
  if (largest <= limit) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << fmt::format(
             "{}: element {} of {} is {:.17g}, expected {:.17g}; difference {:.3g}, limit {:.3g} ({:.3g} "
             "times the limit)",
             what, index_in(shape, static_cast<Index>(worst)), to_string(shape), actual[worst],
             expected[worst], largest, limit, largest / limit);
}

::testing::AssertionResult agree(const std::string& what, const Tensor& actual,
                                 std::span<const double> expected, const Shape& shape, double limit) {
  if (actual.shape() != shape) {
    return ::testing::AssertionFailure()
           << fmt::format("{}: shape {}, expected {}", what, to_string(actual.shape()), to_string(shape));
  }
  return agree(what, actual.to_vector<double>(), expected, shape, limit);
}

}  // namespace elbow::test
