#include "tests/determinant_hashes.h"

#include <cmath>
#include <limits>
#include <vector>

#include "engine/ops.h"
#include "tests/hash.h"

namespace elbow::test {
namespace {

/// Matrices larger than those of a fixed order of elimination, but such that every order finds the same without a
/// rounding: permutations times powers of two; ill-conditioned by one element, or in float by a sum that overflows it;
/// singular; and not finite.
std::vector<double> scaled_permutations(Index n) {
  enum {
    regular,
    at_limit,
    above_limit,
    at_limit_in_double,
    smallest_normal,
    largest_subnormal,
    overflowing,
    singular,
    subnormal,
    infinite,
    both,
    count
  };
  std::vector<double> values(static_cast<std::size_t>(count * n * n));
  const auto at = [&](Index b, Index i, Index j) -> double& { return values[(b * n + i) * n + j]; };
  const auto place = [n](Index b, Index i) { return (2 * i + b) % n; };  // n is odd
  for (Index b = 0; b < count; ++b) {
    for (Index i = 0; i < n; ++i) at(b, i, place(b, i)) = i % 3 == 0 ? -1 : 1;
  }
  for (Index i = 0; i < n; ++i) at(regular, i, place(regular, i)) *= std::exp2(i % 5 - 2);
  at(at_limit, n / 2, place(at_limit, n / 2)) = 0x1p-12;
  at(above_limit, n - 1, place(above_limit, n - 1)) = 0x1p-11;
  at(at_limit_in_double, 0, place(at_limit_in_double, 0)) = 0x1p-26;
  for (Index i = 0; i < n; ++i) {
    at(at_limit, i, place(at_limit, i)) *= 4;
    at(smallest_normal, i, place(smallest_normal, i)) *= 0x1p-126;
    at(largest_subnormal, i, place(largest_subnormal, i)) *= 0x1p-127;
  }
  for (Index i = 0; i < n; ++i) at(overflowing, i, place(overflowing, i)) *= 0x1p127;
  at(overflowing, 1, place(overflowing, 0)) = 0x1p127;
  at(overflowing, 0, place(overflowing, 1)) = 0x1p127;
  at(singular, n / 2, place(singular, n / 2)) = 0;
  for (Index i = 0; i < n; ++i) at(subnormal, i, n - 1) *= 0x1p-1030;  // the last pivot
  at(infinite, n - 2, 0) = -std::numeric_limits<double>::infinity();
  at(both, 1, place(both, 1)) = 0;
  at(both, n / 2, n - 1) = std::numeric_limits<double>::quiet_NaN();
  return values;
}

}  // namespace

std::uint64_t hash_of_irregular_determinants(Index batch, Index n, DType dtype, Device device) {
  std::vector<double> values = drawn({batch * n * n}, DType::float64, Device::cpu).to_vector<double>();
  for (double& value : values) value = std::round(value);
  for (Index b = 3; b < batch; b += 7) {  // all but equal columns
    for (Index i = 0; i < n; ++i) {
      double* const row = &values[(b * n + i) * n];
      row[n - 1] = row[0] + (i == 0 ? 1e-4 : 0);
    }
  }
  values[batch / 2 * n * n] = std::numeric_limits<double>::infinity();
  values[(batch / 4 + 1) * n * n - 1] = std::numeric_limits<double>::quiet_NaN();
  const Variable matrices(Tensor::from(values, {batch, n, n}).to(dtype).to(device));
  const LogDeterminant found = slogdet(matrices);
  Hash hash;
  for (const Tensor& result : {found.sign.value(), found.log_abs.value(), found.state}) hash.add(result);
  hash.add(inverse_transpose(matrices).value());
  return hash.value;
}

std::uint64_t hash_of_scaled_permutations(Index n, DType dtype, Device device) {
  const std::vector<double> values = scaled_permutations(n);
  const Index batch = static_cast<Index>(values.size()) / (n * n);
  const Variable matrices(Tensor::from(values, {batch, n, n}).to(dtype).to(device));
  const LogDeterminant found = slogdet(matrices);
  Hash hash;
  for (const Tensor& result : {found.sign.value(), found.log_abs.value(), found.state}) hash.add(result);
  std::vector<double> inverse = inverse_transpose(matrices).value().to(Device::cpu).to_vector<double>();
  for (double& element : inverse) element = element == 0 ? 0 : element;
  hash.add(Tensor::from(inverse, {batch, n, n}));
  hash.add(slogdet(slice(matrices, 0, 0, 1)).log_abs.value());
  return hash.value;
}

}  // namespace elbow::test
