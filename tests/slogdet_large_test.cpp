// ctest labels: cuda
// Determinants of matrices that the devices leave to a library: within the bound that kernels/slogdet.h derives of what
// the CPU finds in double.
#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <vector>

#include "engine/ops.h"
#include "engine/random.h"
#include "kernels/slogdet_plain.h"
#include "tests/evaluate.h"
#include "tests/on_device.h"

namespace elbow::test {
namespace {

using kernels::MatrixState;

constexpr double unit_roundoff = 0x1p-53;  // of both factorisations

/// What a batch holds beside regular matrices, at these places.
enum Place : Index { ill_conditioned = 1, singular = 2, with_nan = 4, with_infinity = 5, batch = 7 };

std::vector<double> mixed_batch(Index n, DType dtype) {
  std::vector<double> values = uniform({7, Stream::test}, -1, 1, 1, batch * n * n, dtype).to_vector<double>();
  const auto at = [&](Index b, Index i, Index j) -> double& { return values[(b * n + i) * n + j]; };
  for (Index i = 0; i < n; ++i) {
    at(ill_conditioned, i, n - 1) = at(ill_conditioned, i, 0);
    at(singular, i, n / 2) = 0;
  }
  at(ill_conditioned, n / 3, n - 1) += dtype == DType::float32 ? 0x1p-18 : 0x1p-34;
  at(with_nan, n - 1, n - 1) = std::numeric_limits<double>::quiet_NaN();
  at(with_infinity, 0, n / 2) = std::numeric_limits<double>::infinity();
  return values;
}

using Matrix = std::vector<double>;

Matrix magnitudes_of_product(Index n, const Matrix& left, const Matrix& right) {
  Matrix product(static_cast<std::size_t>(n * n));
  for (Index i = 0; i < n; ++i) {
    for (Index k = 0; k < n; ++k) {
      for (Index j = 0; j < n; ++j) product[i * n + j] += std::abs(left[i * n + k] * right[k * n + j]);
    }
  }
  return product;
}

/// How far two computations in double may differ by the bound of kernels/slogdet.h, before they round to T.
struct Bounds {
  double log_abs;
  Matrix inverse_transpose;
};

Bounds bounds_for(Index n, Matrix a) {
  const auto size = static_cast<std::size_t>(n * n);
  Matrix reciprocal(n), inverted(size), inverse(size), lower(size), upper(size), factors(size);
  std::vector<Index> row(n);
  kernels::factor_plain(n, a.data(), row.data(), reciprocal.data());
  kernels::invert_plain(n, a.data(), reciprocal.data(), inverted.data());
  for (Index i = 0; i < n; ++i) {
    for (Index j = 0; j < n; ++j) {
      (j < i ? lower : upper)[i * n + j] = a[i * n + j];
      inverse[j * n + row[i]] = inverted[i * n + j];
    }
    lower[i * n + i] = 1;
  }
  const Matrix product = magnitudes_of_product(n, lower, upper);
  double sum = 0;
  for (Index i = 0; i < n; ++i) {
    for (Index j = 0; j < n; ++j) {
      factors[row[i] * n + j] = product[i * n + j];
      sum += std::abs(inverse[j * n + row[i]]) * product[i * n + j];
    }
  }
  const double once = static_cast<double>(n + 1) * unit_roundoff;
  const Matrix both = magnitudes_of_product(n, magnitudes_of_product(n, inverse, factors), inverse);
  Bounds bounds{2 * (once * sum + 2 * once), Matrix(size)};
  for (Index i = 0; i < n; ++i) {
    for (Index j = 0; j < n; ++j) bounds.inverse_transpose[i * n + j] = 2 * 3 * once * both[j * n + i];
  }
  return bounds;
}

/// The operations' outputs as numbers.
struct Found {
  Matrix sign, log_abs, state, inverse_transpose;
};

Found found_on(Device device, Index n, const Matrix& values, DType dtype) {
  const Variable matrices(Tensor::from(values, {batch, n, n}).to(dtype).to(device));
  const LogDeterminant determinant = slogdet(matrices);
  return {determinant.sign.value().to_vector<double>(), determinant.log_abs.value().to_vector<double>(),
          determinant.state.to_vector<double>(), inverse_transpose(matrices).value().to_vector<double>()};
}

bool same(double left, double right) { return left == right || (std::isnan(left) && std::isnan(right)); }

/// Matrix b of the batch. `limit`: what is left of T's digits after one rounding.
void expect_within_bounds(Index n, Index b, const Matrix& values, const Found& found, const Found& exact,
                          double rounding) {
  const Index begin = b * n * n;
  if (!kernels::has_inverse(kernels::state_of(found.state[b]))) {
    EXPECT_TRUE(same(found.log_abs[b], exact.log_abs[b])) << found.log_abs[b];
    for (Index i = begin; i < begin + n * n; ++i) {
      ASSERT_TRUE(same(found.inverse_transpose[i], exact.inverse_transpose[i])) << "element " << i - begin;
    }
    return;
  }
  const Bounds bounds = bounds_for(n, Matrix(values.begin() + begin, values.begin() + begin + n * n));
  EXPECT_NEAR(found.log_abs[b], exact.log_abs[b], bounds.log_abs + rounding * std::abs(exact.log_abs[b]));
  for (Index i = 0; i < n * n; ++i) {
    const double expected = exact.inverse_transpose[begin + i];
    ASSERT_NEAR(found.inverse_transpose[begin + i], expected,
                bounds.inverse_transpose[i] + rounding * std::abs(expected))
        << "element " << i;
  }
}

class LargeDeterminants : public OnDevice {};
ELBOW_ON_DEVICES(LargeDeterminants, Device::executor, Device::cuda);

TEST_P(LargeDeterminants, AreWithinTheBoundOfTheCpuInDouble) {
  for (const DType dtype : {DType::float32, DType::float64}) {
    for (const Index n : {61, 64, 100}) {
      const Matrix values = mixed_batch(n, dtype);
      const Found found = found_on(GetParam(), n, values, dtype);
      const Found cpu = found_on(Device::cpu, n, values, dtype);
      const Found exact = found_on(Device::cpu, n, values, DType::float64);
      EXPECT_EQ(cpu.state[ill_conditioned], static_cast<int>(MatrixState::ill_conditioned));
      for (Index b = 0; b < batch; ++b) {
        SCOPED_TRACE(fmt::format("{} {}x{}, matrix {}", name(dtype), n, n, b));
        EXPECT_EQ(found.state[b], cpu.state[b]);
        EXPECT_TRUE(same(found.sign[b], cpu.sign[b])) << found.sign[b] << " " << cpu.sign[b];
        expect_within_bounds(n, b, values, found, exact, epsilon(dtype) / 2);
      }
    }
  }
}

TEST_P(LargeDeterminants, HaveTheInverseTransposeForGradient) {
  for (const DType dtype : {DType::float32, DType::float64}) {
    const Variable matrices(
        uniform({9, Stream::test}, -1, 1, 3, 65 * 65, dtype).reshaped({3, 65, 65}).to(GetParam()), true);
    const Variable twice = 2 * sum(slogdet(matrices).log_abs);
    const Gradients first = gradients(twice, {matrices});
    EXPECT_TRUE(same_bits(first[0].value(), (2 * inverse_transpose(matrices)).value())) << name(dtype);
  }
}

TEST_P(LargeDeterminants, OfNoMatrixAreNone) {
  const Variable none(Tensor::zeros({0, 61, 61}, DType::float32, GetParam()));
  EXPECT_EQ(slogdet(none).log_abs.shape(), Shape{0});
  EXPECT_EQ(inverse_transpose(none).shape(), (Shape{0, 61, 61}));
}

TEST_P(LargeDeterminants, AreFoundForEachOfManyMatrices) {
  constexpr Index many = 300, n = 61;
  Tensor values = Tensor::zeros({many, n, n}, DType::float32);
  float* const data = values.data<float>();
  for (Index b = 0; b < many; ++b) {
    for (Index i = 0; i < n; ++i) data[(b * n + i) * n + (i + b) % n] = i == 0 ? std::exp2f(b % 7 - 3) : 1.0f;
  }
  const LogDeterminant found = slogdet(Variable(values.to(GetParam())));
  const Matrix sign = found.sign.value().to_vector<double>(), log = found.log_abs.value().to_vector<double>();
  for (Index b = 0; b < many; ++b) {
    EXPECT_EQ(sign[b], 1) << b;  // a cycle of odd length is even
    EXPECT_NEAR(log[b], static_cast<double>(b % 7 - 3) * std::log(2.0), 3 * 0x1p-23) << b;
  }
}

}  // namespace
}  // namespace elbow::test
