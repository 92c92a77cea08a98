// Determinants and inverse transposes: residuals over LAPACK's matrix types, every instruction set against the plain
// loops, exact cases, and matrices that have no inverse.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <hwy/highway.h>
#include <hwy/targets.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "engine/ops.h"
#include "kernels/backend.h"
#include "kernels/slogdet_plain.h"
#include "tests/thrown.h"

namespace elbow::test {
namespace {

using kernels::MatrixState;

template <class T>
struct Results {
  std::vector<T> sign, log_abs_det, state, inverse_transpose;
};

template <class T>
using Run = void (*)(const kernels::Slogdet<T>&);

template <class T>
Results<T> results_of(Run<T> run, Index n, const std::vector<T>& matrices, bool inverted = true) {
  const std::size_t batch = matrices.size() / static_cast<std::size_t>(n * n);
  const T untouched(-7);
  Results<T> r{std::vector<T>(batch, untouched), std::vector<T>(batch, untouched),
               std::vector<T>(batch, untouched), std::vector<T>(inverted ? matrices.size() : 0, untouched)};
  run({static_cast<Index>(batch), n, matrices.data(), r.sign.data(), r.log_abs_det.data(), r.state.data(),
       inverted ? r.inverse_transpose.data() : nullptr});
  return r;
}

template <class T>
Results<T> on_cpu(Index n, const std::vector<T>& matrices, bool inverted = true) {
  return results_of<T>(kernels::cpu::backend().kernels.entry<kernels::Slogdet<T>>(), n, matrices, inverted);
}

template <class T>
bool same_bits(const std::vector<T>& left, const std::vector<T>& right) {
  return left.size() == right.size() &&
         (left.empty() || std::memcmp(left.data(), right.data(), left.size() * sizeof(T)) == 0);
}

class Numbers {
 public:
  explicit Numbers(unsigned seed) : engine_(seed) {}
  double normal() { return normal_(engine_); }
  int integer(int low, int high) { return std::uniform_int_distribution<int>(low, high)(engine_); }
  template <class T>
  std::vector<T> normals(Index count) {
    std::vector<T> values(static_cast<std::size_t>(count));
    for (T& value : values) value = static_cast<T>(normal());
    return values;
  }

 private:
  std::mt19937 engine_;
  std::normal_distribution<double> normal_;
};

// --- Residuals

constexpr double unit_roundoff = 0x1p-24;
constexpr int lapack_types = 11;

/// Singular values from 1 down to 1 / condition between two random reflections.
std::vector<double> with_condition(Numbers& numbers, Index n, double condition, double scale) {
  std::vector<double> a(n * n);
  for (Index i = 0; i < n; ++i)
    a[i * n + i] =
        scale * std::pow(condition, n == 1 ? 0 : -static_cast<double>(i) / static_cast<double>(n - 1));
  for (const bool from_left : {true, false}) {
    const std::vector<double> v = numbers.normals<double>(n);
    double square = 0;
    for (const double x : v) square += x * x;
    for (Index i = 0; i < n; ++i) {
      double product = 0;
      for (Index k = 0; k < n; ++k) product += v[k] * (from_left ? a[k * n + i] : a[i * n + k]);
      for (Index k = 0; k < n; ++k) (from_left ? a[k * n + i] : a[i * n + k]) -= 2 * product / square * v[k];
    }
  }
  return a;
}

/// The types of LAPACK's tests of xGETRF and xGETRI (LAPACK Working Note 41, section 4.3.1), for float.
std::vector<double> lapack_matrix(Numbers& numbers, Index n, int type) {
  constexpr double small = 0.25 * 0x1p-126 / unit_roundoff;
  switch (type) {
    case 8:
      return with_condition(numbers, n, std::sqrt(0.1 / unit_roundoff), 1);
    case 9:
      return with_condition(numbers, n, 0.1 / unit_roundoff, 1);
    case 10:
      return with_condition(numbers, n, 2, small);
    case 11:
      return with_condition(numbers, n, 2, 1 / small);
    default:
      break;
  }
  std::vector<double> a = type >= 4 ? with_condition(numbers, n, 2, 1) : numbers.normals<double>(n * n);
  for (Index i = 0; i < n; ++i) {
    for (Index j = 0; j < n; ++j) {
      const bool zero = (type == 1 && i != j) || (type == 2 && i > j) || (type == 3 && i < j) ||
                        (type == 5 && j == 0) || (type == 6 && j == n - 1) || (type == 7 && j >= n / 2);
      if (zero) a[i * n + j] = 0;
    }
  }
  return a;
}

/// The largest sum of magnitudes in a column.
template <class At>
double one_norm(Index n, At at) {
  double largest = 0;
  for (Index j = 0; j < n; ++j) {
    double sum = 0;
    for (Index i = 0; i < n; ++i) sum += std::abs(at(i, j));
    largest = std::max(largest, sum);
  }
  return largest;
}

/// norm(P A - L U) / (n norm(A) eps), of the plain loops, whose bits the kernels have.
double factor_ratio(Index n, const float* a) {
  std::vector<float> factors(a, a + n * n), reciprocal(n);
  std::vector<Index> row(n);
  kernels::factor_plain(n, factors.data(), row.data(), reciprocal.data());
  const double residual = one_norm(n, [&](Index i, Index j) {
    double difference = a[row[i] * n + j];
    for (Index k = 0; k <= std::min(i, j); ++k) {
      const double lower = k == i ? 1.0 : factors[i * n + k];
      difference -= lower * factors[k * n + j];
    }
    return difference;
  });
  const double size = one_norm(n, [&](Index i, Index j) { return a[i * n + j]; });
  return residual == 0 ? 0 : residual / (static_cast<double>(n) * size * unit_roundoff);
}

/// norm(A A^-1 - I) / (n norm(A) norm(A^-1) eps).
double inverse_ratio(Index n, const float* a, const float* inverse_transpose) {
  const double residual = one_norm(n, [&](Index i, Index j) {
    double difference = i == j ? -1 : 0;
    for (Index k = 0; k < n; ++k) {
      difference += static_cast<double>(a[i * n + k]) * inverse_transpose[j * n + k];
    }
    return difference;
  });
  const double size = one_norm(n, [&](Index i, Index j) { return a[i * n + j]; });
  const double inverse_size = one_norm(n, [&](Index i, Index j) { return inverse_transpose[j * n + i]; });
  return residual / (static_cast<double>(n) * size * inverse_size * unit_roundoff);
}

/// The error of log abs det over eps (its magnitude + n (the sum of the magnitudes of the determinant's terms) / det).
template <int n>
double determinant_ratio(const float* a, float log_abs_det) {
  kernels::SmallMatrix<n, double> matrix;
  for (int i = 0; i < n * n; ++i) matrix.element[i / n][i % n] = a[i];
  const kernels::Determinant<double> exact = kernels::determinant(matrix, kernels::cofactors(matrix));
  if (exact.value == 0) return log_abs_det == -std::numeric_limits<float>::infinity() ? 0 : INFINITY;
  const double expected = std::log(std::abs(exact.value));
  const double conditioned = n * exact.terms / std::abs(exact.value);
  return std::abs(log_abs_det - expected) / (unit_roundoff * (std::abs(expected) + conditioned));
}

/// Of the factors, or where there are none of the determinant.
double forward_ratio(Index n, const float* a, float log_abs_det) {
  if (n == 1) return determinant_ratio<1>(a, log_abs_det);
  if (n == 2) return determinant_ratio<2>(a, log_abs_det);
  if (n == 3) return determinant_ratio<3>(a, log_abs_det);
  return factor_ratio(n, a);
}

#if defined(__SANITIZE_ADDRESS__)
constexpr Index least_matrices = 100000;  // sanitizers watch accesses, and a tenth makes all of them
#else
constexpr Index least_matrices = 1000000;
#endif

TEST(Slogdet, ResidualsOfAMillionMatrices) {
  double worst_forward = 0, worst_inverse = 0;
  Index total = 0;
  for (Index n = 1; n <= 32; ++n) {
    for (int type = 1; type <= lapack_types; ++type) {
      const Index batch = 58 * least_matrices / (1000 * n * n) + 1;
      Numbers numbers(static_cast<unsigned>(100 * n + type));
      std::vector<float> matrices;
      for (Index b = 0; b < batch; ++b) {
        for (const double x : lapack_matrix(numbers, n, type)) matrices.push_back(static_cast<float>(x));
      }
      const Results<float> found = on_cpu(n, matrices);
      const bool singular = type == 5 || type == 6 || type == 7;
      double forward = 0, inverse = 0;
      for (Index b = 0; b < batch; ++b) {
        const float* a = &matrices[b * n * n];
        ASSERT_EQ(found.sign[b] == 0, singular) << "n " << n << ", type " << type << ", matrix " << b;
        forward = std::max(forward, forward_ratio(n, a, found.log_abs_det[b]));
        if (!singular) inverse = std::max(inverse, inverse_ratio(n, a, &found.inverse_transpose[b * n * n]));
      }
      EXPECT_LE(forward, 3) << "n " << n << ", type " << type;
      EXPECT_LE(inverse, 10) << "n " << n << ", type " << type;
      worst_forward = std::max(worst_forward, forward);
      worst_inverse = std::max(worst_inverse, inverse);
      total += batch;
    }
  }
  EXPECT_GE(total, least_matrices);
  fmt::print("{} matrices: residual ratios up to {:.2f} of factors and determinants, {:.2f} of the inverse\n",
             total, worst_forward, worst_inverse);
}

// --- One result everywhere

template <class T>
void expect_plain_results(Index n, Index batch) {
  const std::vector<T> matrices = Numbers(static_cast<unsigned>(n)).normals<T>(batch * n * n);
  const Results<T> plain = results_of<T>(kernels::slogdet_plain<T>, n, matrices);
  for (const bool inverted : {true, false}) {
    const Results<T> found = on_cpu(n, matrices, inverted);
    for (Index b = 0; b < batch; ++b) {
      if (plain.state[b] != 0 && sizeof(T) == sizeof(float)) continue;  // done again in double
      EXPECT_EQ(found.sign[b], plain.sign[b]) << "matrix " << b;
      EXPECT_EQ(found.log_abs_det[b], plain.log_abs_det[b]) << "matrix " << b;
      EXPECT_EQ(found.state[b], plain.state[b]) << "matrix " << b;
      if (!inverted) continue;
      EXPECT_EQ(0, std::memcmp(&found.inverse_transpose[b * n * n], &plain.inverse_transpose[b * n * n],
                               n * n * sizeof(T)))
          << "matrix " << b;
    }
  }
}

TEST(Slogdet, EveryInstructionSetGivesTheBitsOfThePlainLoops) {
  const std::int64_t supported = hwy::SupportedTargets();
  for (const std::int64_t target : {HWY_SCALAR, HWY_NEON, HWY_AVX2, HWY_AVX3}) {
    if (target != HWY_SCALAR && (supported & target) == 0) continue;
    SCOPED_TRACE(hwy::TargetName(target));
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    for (Index n = 1; n <= 18; ++n) {
      SCOPED_TRACE(n);
      expect_plain_results<float>(n, 307);
      expect_plain_results<double>(n, 37);
    }
    expect_plain_results<float>(33, 17);
    expect_plain_results<double>(65, 3);
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

TEST(Slogdet, AnIllConditionedFloatMatrixHasTheRoundedResultsOfDouble) {
  for (Index n = 4; n <= 12; ++n) {
    std::vector<float> hilbert;
    for (Index i = 0; i < n * n; ++i) hilbert.push_back(1.0f / static_cast<float>(i / n + i % n + 1));
    const Results<float> found = on_cpu(n, hilbert);
    const Results<double> expected = on_cpu(n, std::vector<double>(hilbert.begin(), hilbert.end()));
    EXPECT_EQ(found.state[0], static_cast<float>(MatrixState::ill_conditioned)) << n;
    EXPECT_EQ(found.sign[0], static_cast<float>(expected.sign[0])) << n;
    EXPECT_EQ(found.log_abs_det[0], static_cast<float>(expected.log_abs_det[0])) << n;
    EXPECT_EQ(found.inverse_transpose,
              std::vector<float>(expected.inverse_transpose.begin(), expected.inverse_transpose.end()))
        << n;
  }
}

// --- Exact cases

/// The determinant of an integer matrix by elimination without fractions (Bareiss, 1968).
std::int64_t exact_determinant(std::vector<std::int64_t> a, Index n) {
  std::int64_t sign = 1, previous = 1;
  for (Index k = 0; k + 1 < n; ++k) {
    Index p = k;
    while (p < n && a[p * n + k] == 0) ++p;
    if (p == n) return 0;
    if (p != k) {
      std::swap_ranges(&a[k * n], &a[k * n] + n, &a[p * n]);
      sign = -sign;
    }
    for (Index i = k + 1; i < n; ++i) {
      for (Index j = k + 1; j < n; ++j) {
        a[i * n + j] = (a[i * n + j] * a[k * n + k] - a[i * n + k] * a[k * n + j]) / previous;
      }
    }
    previous = a[k * n + k];
  }
  return sign * a[n * n - 1];
}

TEST(Slogdet, SignsOfIntegerMatricesAreExact) {
  Numbers numbers(5);
  for (Index n = 1; n <= 8; ++n) {
    for (int repetition = 0; repetition < 500; ++repetition) {
      std::vector<float> matrix;
      for (Index i = 0; i < n * n; ++i) matrix.push_back(static_cast<float>(numbers.integer(-8, 8)));
      const std::int64_t exact = exact_determinant({matrix.begin(), matrix.end()}, n);
      if (exact == 0) continue;  // singular but for rounding
      const Results<float> found = on_cpu(n, matrix, false);
      EXPECT_EQ(found.sign[0], exact > 0 ? 1 : -1) << "n " << n << ", determinant " << exact;
      EXPECT_NEAR(found.log_abs_det[0], std::log(std::abs(static_cast<double>(exact))), 1e-3) << "n " << n;
    }
  }
}

TEST(Slogdet, PermutationsAreTheirOwnInverseTransposes) {
  Numbers numbers(6);
  for (Index n = 1; n <= 32; ++n) {
    std::vector<Index> order(n);
    for (Index i = 0; i < n; ++i) order[i] = i;
    int exchanges = 0;
    std::vector<float> matrix(n * n);
    for (Index i = n - 1; i > 0; --i) {
      const int other = numbers.integer(0, static_cast<int>(i));
      std::swap(order[i], order[other]);
      exchanges += other != i ? 1 : 0;
    }
    for (Index i = 0; i < n; ++i) matrix[i * n + order[i]] = 1;
    const Results<float> found = on_cpu(n, matrix);
    EXPECT_EQ(found.sign[0], exchanges % 2 == 0 ? 1 : -1) << n;
    EXPECT_EQ(found.log_abs_det[0], 0) << n;
    EXPECT_EQ(found.state[0], 0) << n;
    EXPECT_EQ(found.inverse_transpose, matrix) << n;
  }
}

TEST(Slogdet, NeitherLargeNorSmallElementsOverflow) {
  for (const Index n : {1, 3, 8, 16, 32}) {
    for (const double exponent : {-100.0, 100.0}) {
      const double factor = std::exp2(exponent);
      std::vector<float> matrix = Numbers(7).normals<float>(n * n);
      const Results<float> expected = on_cpu(n, matrix);
      for (float& x : matrix) x *= static_cast<float>(factor);
      const Results<float> found = on_cpu(n, matrix);
      const double shifted = expected.log_abs_det[0] + static_cast<double>(n) * exponent * std::log(2.0);
      EXPECT_NEAR(found.log_abs_det[0], shifted, 2 * 0x1p-24 * std::abs(shifted)) << n;
      EXPECT_EQ(found.sign, expected.sign) << n;
      for (Index i = 0; i < n * n; ++i) {
        EXPECT_EQ(found.inverse_transpose[i], expected.inverse_transpose[i] / static_cast<float>(factor))
            << n;
      }
    }
  }
}

TEST(Slogdet, ElementsOfVeryDifferentSizeAreNoReasonForDoubt) {
  const float large = 0x1p90f, small = 0x1p-100f;
  const std::vector<float> diagonal = {large, 0, 0, 0, small, 0, 0, 0, small};
  const Results<float> found = on_cpu(3, diagonal);
  EXPECT_EQ(found.state[0], static_cast<float>(MatrixState::regular));
  EXPECT_EQ(found.sign[0], 1);
  EXPECT_EQ(found.log_abs_det[0], static_cast<float>(-110 * std::log(2.0)));
  EXPECT_EQ(found.inverse_transpose, (std::vector<float>{0x1p-90f, 0, 0, 0, 0x1p100f, 0, 0, 0, 0x1p100f}));
}

TEST(Slogdet, SmallMatricesWhoseTermsCancelAreDoneInDouble) {
  const float e = 0x1p-13f;
  const std::vector<float> two = {1, 1, 1, 1 + e}, three = {1, 1, 1, 1, 1 + e, 1, 1, 1, 1 + e};
  for (const auto& [matrix, exponent] : {std::pair(two, -13), std::pair(three, -26)}) {
    const Results<float> found = on_cpu(matrix.size() == 4 ? 2 : 3, matrix);
    EXPECT_EQ(found.state[0], static_cast<float>(MatrixState::ill_conditioned)) << exponent;
    EXPECT_EQ(found.sign[0], 1) << exponent;
    EXPECT_EQ(found.log_abs_det[0], static_cast<float>(exponent * std::log(2.0))) << exponent;
    EXPECT_EQ(found.inverse_transpose.back(), 1 / e) << exponent;
  }
}

// --- Without an inverse

template <class T>
void expect_without_inverse(const std::vector<T>& matrices, Index n, MatrixState state) {
  const bool singular = state == MatrixState::singular;
  const T infinity = std::numeric_limits<T>::infinity();
  const Results<T> found = on_cpu(n, matrices);
  for (std::size_t b = 0; b < found.sign.size(); ++b) {
    EXPECT_EQ(found.state[b], static_cast<T>(static_cast<int>(state))) << b;
    EXPECT_TRUE(singular ? found.sign[b] == 0 : std::isnan(found.sign[b])) << b;
    EXPECT_TRUE(singular ? found.log_abs_det[b] == -infinity : std::isnan(found.log_abs_det[b])) << b;
  }
  for (const T x : found.inverse_transpose) EXPECT_TRUE(singular ? x == infinity : std::isnan(x));
}

template <class T>
void check_matrices_without_inverse() {
  for (const Index n : {1, 2, 3, 7, 8, 16, 17, 33}) {
    SCOPED_TRACE(n);
    const std::vector<T> regular = Numbers(8).normals<T>(n * n);
    expect_without_inverse(std::vector<T>(3 * n * n), n, MatrixState::singular);
    for (const Index place : {Index{0}, n / 2, n - 1}) {
      std::vector<T> without_column = regular;
      for (Index i = 0; i < n; ++i) without_column[i * n + place] = 0;
      expect_without_inverse(without_column, n, MatrixState::singular);
      for (const T bad : {std::numeric_limits<T>::infinity(), -std::numeric_limits<T>::infinity(),
                          std::numeric_limits<T>::quiet_NaN()}) {
        for (const Index column : {Index{0}, n / 2, n - 1}) {
          std::vector<T> poisoned = regular, both = without_column;
          poisoned[place * n + column] = both[place * n + column] = bad;
          expect_without_inverse(poisoned, n, MatrixState::not_finite);
          expect_without_inverse(both, n, MatrixState::not_finite);
        }
      }
    }
  }
}

TEST(Slogdet, SingularAndNonFiniteMatricesAreSaidToBe) {
  check_matrices_without_inverse<float>();
  check_matrices_without_inverse<double>();
}

TEST(Slogdet, ASingularMatrixStopsAGuardedTraining) {
  const FiniteGuard guard;
  const Variable zeros(Tensor::zeros({2, 3, 3}, DType::float32), true);
  EXPECT_EQ(thrown<NumericalError>([&] { slogdet(zeros); }), "[slogdet] gave -inf");
}

TEST(Slogdet, RefusesWhatIsNoSquareMatrix) {
  const auto refusal = [](const Shape& shape) {
    return thrown<UsageError>([&] { slogdet(Variable(Tensor::zeros(shape, DType::float32))); });
  };
  EXPECT_EQ(refusal({8, 3, 2}), "[slogdet] expected (..., n, n) with n at least 1, got (8, 3, 2)");
  EXPECT_EQ(refusal({3}), "[slogdet] expected (..., n, n) with n at least 1, got (3,)");
  EXPECT_EQ(refusal({}), "[slogdet] expected (..., n, n) with n at least 1, got ()");
  EXPECT_EQ(refusal({8, 0, 0}), "[slogdet] expected (..., n, n) with n at least 1, got (8, 0, 0)");
  EXPECT_EQ(slogdet(Variable(Tensor::zeros({0, 3, 3}, DType::float32))).log_abs.shape(), Shape{0});
}

}  // namespace
}  // namespace elbow::test
