#include "experiments/metrics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "experiments/statistics.h"
#include "kernels/error.h"
#include "kernels/philox.h"

namespace elbow {
namespace {

constexpr double epsilon = std::numeric_limits<double>::epsilon();
constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

std::vector<double> normals(std::uint32_t stream, Index n) {
  std::vector<double> values;
  for (std::uint32_t block = 0; static_cast<Index>(values.size()) < n; ++block) {
    double four[4];
    kernels::normals_from(kernels::philox(11, stream, block, 0, 0), four);
    values.insert(values.end(), four, four + 4);
  }
  values.resize(static_cast<std::size_t>(n));
  return values;
}

std::vector<double> column(const std::vector<double>& matrix, Index columns, Index k) {
  std::vector<double> result;
  for (auto i = static_cast<std::size_t>(k); i < matrix.size(); i += static_cast<std::size_t>(columns)) {
    result.push_back(matrix[i]);
  }
  return result;
}

/// Calls visit(permutation) for every permutation of 0 .. n - 1, in lexicographic order.
template <class Visit>
void for_each_permutation(Index n, const Visit& visit) {
  std::vector<Index> permutation(static_cast<std::size_t>(n));
  std::iota(permutation.begin(), permutation.end(), Index{0});
  do {
    visit(permutation);
  } while (std::next_permutation(permutation.begin(), permutation.end()));
}

double total(const std::vector<double>& score, const std::vector<Index>& column_of_row) {
  double sum = 0;
  for (std::size_t row = 0; row < column_of_row.size(); ++row) {
    sum += score[row * column_of_row.size() + static_cast<std::size_t>(column_of_row[row])];
  }
  return sum;
}

TEST(BestAssignment, EqualsBruteForce) {
  for (Index n = 1; n <= 6; ++n) {
    for (std::uint32_t trial = 0; trial < 40; ++trial) {
      std::vector<double> score = normals(100 * static_cast<std::uint32_t>(n) + trial, n * n);
      if (trial % 2 == 1) {  // ties
        for (double& value : score) value = std::round(value);
      }
      double best = -infinity;
      for_each_permutation(
          n, [&](const auto& permutation) { best = std::max(best, total(score, permutation)); });
      std::vector<Index> found = best_assignment(score, n);
      EXPECT_NEAR(total(score, found), best, 4 * static_cast<double>(n) * epsilon * 4) << "n = " << n;
      std::sort(found.begin(), found.end());
      for (Index i = 0; i < n; ++i) EXPECT_EQ(found[static_cast<std::size_t>(i)], i);
    }
  }
}

TEST(BestAssignment, RefusesWhatIsNoSquare) {
  EXPECT_TRUE(best_assignment({}, 0).empty());
  EXPECT_THROW(best_assignment(std::vector<double>{1, 2}, 2), UsageError);
  EXPECT_THROW(best_assignment(std::vector<double>{1, 2, not_a_number, 4}, 2), UsageError);
}

TEST(MeanCorrelation, EqualsBruteForce) {
  for (Index factors = 1; factors <= 5; ++factors) {
    const Index samples = 33;
    const auto truth = normals(7, samples * factors);
    auto estimate = normals(8, samples * factors);
    for (std::size_t i = 0; i < truth.size(); ++i) estimate[i] += 0.3 * truth[truth.size() - 1 - i];
    for (const Correlation kind : {Correlation::pearson, Correlation::spearman}) {
      const auto found = mean_correlation(truth, estimate, factors, kind);
      ASSERT_TRUE(found);
      double best = 0;
      for_each_permutation(factors, [&](const auto& permutation) {
        double sum = 0;
        for (Index k = 0; k < factors; ++k) {
          const auto a = column(truth, factors, k);
          const auto b = column(estimate, factors, permutation[static_cast<std::size_t>(k)]);
          sum += std::abs(*(kind == Correlation::pearson ? pearson(a, b) : spearman(a, b)));
        }
        best = std::max(best, sum / static_cast<double>(factors));
      });
      EXPECT_NEAR(found->mcc, best, 4 * static_cast<double>(factors) * epsilon);
    }
  }
}

TEST(MeanCorrelation, SeesThroughOrderSignAndUnit) {
  const Index samples = 257, factors = 3;
  const auto truth = normals(1, samples * factors);
  std::vector<double> linear, monotone;
  for (std::size_t i = 0; i < truth.size(); i += 3) {
    linear.insert(linear.end(), {1 - 2 * truth[i + 2], truth[i], 1e3 * truth[i + 1]});
    monotone.insert(monotone.end(), {std::exp(truth[i + 1]), -std::exp(truth[i]), std::tanh(truth[i + 2])});
  }
  const auto exact = mean_correlation(truth, linear, factors);
  ASSERT_TRUE(exact);
  // Each correlation is a quotient of sums of 257 products.
  EXPECT_NEAR(exact->mcc, 1, 257 * epsilon);
  EXPECT_EQ(exact->estimate_of_factor, (std::vector<Index>{1, 2, 0}));
  ASSERT_EQ(exact->correlation_of_factor.size(), 3u);
  for (const double value : exact->correlation_of_factor) EXPECT_NEAR(value, 1, 257 * epsilon);
  EXPECT_LT(mean_correlation(truth, monotone, factors)->mcc, 0.99);
  EXPECT_NEAR(mean_correlation(truth, monotone, factors, Correlation::spearman)->mcc, 1, 257 * epsilon);
}

TEST(MeanCorrelation, IsUndefinedForAConstantLatent) {
  const std::vector<double> truth = {1, 2, 3, 5, 8, 13}, constant = {1, 0.1, 3, 0.1, 8, 0.1};
  EXPECT_FALSE(mean_correlation(truth, constant, 2));
  EXPECT_FALSE(mean_correlation(constant, truth, 2, Correlation::spearman));
  EXPECT_FALSE(mean_correlation(truth, std::vector<double>{1, 2, 3, 5, 8, not_a_number}, 2));
  EXPECT_FALSE(mean_correlation(std::vector<double>{1}, std::vector<double>{1}, 1));
  EXPECT_THROW(mean_correlation(truth, std::vector<double>{1, 2}, 2), UsageError);
  EXPECT_THROW(mean_correlation(truth, truth, 4), UsageError);
  EXPECT_THROW(mean_correlation(truth, truth, 0), UsageError);
}

TEST(MeanCorrelation, RefusesFewerSamplesThanFactors) {
  const std::vector<double> one_row = {1, 2};
  EXPECT_THROW(mean_correlation(one_row, one_row, 2), UsageError);
  EXPECT_THROW(mean_correlation({}, {}, 2), UsageError);
  EXPECT_FALSE(mcc_minibatch(normals(6, 12), normals(7, 12), 3, 2));
}

TEST(MccMinibatch, IsTheMeanOverFullBatches) {
  const Index factors = 2, batch = 8;
  const auto truth = normals(2, 3 * batch * factors + 10);
  const auto estimate = normals(3, 3 * batch * factors + 10);
  double sum = 0;
  for (Index b = 0; b < 3; ++b) {
    const auto part = [&](const std::vector<double>& all) {
      return std::vector<double>(all.begin() + b * batch * factors, all.begin() + (b + 1) * batch * factors);
    };
    sum += mean_correlation(part(truth), part(estimate), factors)->mcc;
  }
  EXPECT_NEAR(*mcc_minibatch(truth, estimate, factors, batch), sum / 3, 4 * epsilon);
}

// A collapsed model's samples say nothing about the sources, and the paper reports 0.151 for it (d = 3,
// medians over 20 seeds at gamma^2 = 1e2, quartiles 0.149 and 0.153).
TEST(MccMinibatch, OfNoiseIsThePapersCollapsedValue) {
  const Index samples = 64 * 180;
  const auto found = mcc_minibatch(normals(4, samples * 3), normals(5, samples * 3), 3);
  ASSERT_TRUE(found);
  EXPECT_NEAR(*found, 0.151, 0.01);
  EXPECT_LT(mean_correlation(normals(4, samples * 3), normals(5, samples * 3), 3)->mcc, 0.03);
}

TEST(MccMinibatch, RefusesWhatHasNoBatch) {
  const auto values = normals(6, 63 * 3);
  EXPECT_FALSE(mcc_minibatch(values, values, 3));
  EXPECT_FALSE(mcc_minibatch({}, {}, 3));
  EXPECT_THROW(mcc_minibatch(values, values, 3, 0), UsageError);
  EXPECT_THROW(mcc_minibatch(values, normals(6, 3), 3), UsageError);
}

/// c_IMA as it is written, by Leibniz' formula, and the sum of that formula's absolute terms over abs det.
struct WrittenCIma {
  double value;
  double cancellation;
};

WrittenCIma written_c_ima(const std::vector<double>& jacobian, Index n) {
  double determinant = 0, absolute = 0, norms = 0;
  for_each_permutation(n, [&](const auto& permutation) {
    double term = 1;
    for (Index row = 0; row < n; ++row) {
      term *= jacobian[static_cast<std::size_t>(row * n + permutation[static_cast<std::size_t>(row)])];
      for (Index later = row + 1; later < n; ++later) {
        if (permutation[static_cast<std::size_t>(later)] < permutation[static_cast<std::size_t>(row)])
          term = -term;
      }
    }
    determinant += term;
    absolute += std::abs(term);
  });
  for (Index k = 0; k < n; ++k) {
    const auto values = column(jacobian, n, k);
    norms += std::log(std::sqrt(std::inner_product(values.begin(), values.end(), values.begin(), 0.0)));
  }
  return {norms - std::log(std::abs(determinant)), absolute / std::abs(determinant)};
}

// A relative change of eps in each entry changes log abs det by at most eps n^2 times the cancellation;
// elimination makes n such changes, and the norms and logarithms add a few eps.
double limit_of(const WrittenCIma& written, Index n) {
  const auto size = static_cast<double>(n);
  return epsilon * (size * size * size * written.cancellation + 8 * size);
}

TEST(LogAbsDet, OfKnownDeterminants) {
  EXPECT_NEAR(log_abs_det({1, 2, 3, 4}, 2), std::log(2.0), 8 * epsilon);
  EXPECT_NEAR(log_abs_det({0, 1, 2, 3, 0, 0, 0, 4, 5}, 3), std::log(9.0), 27 * epsilon);
  EXPECT_EQ(log_abs_det({1, 2, 2, 4}, 2), -infinity);
  EXPECT_THROW(log_abs_det({1, 2, 3}, 2), UsageError);
}

TEST(CIma, EqualsItsDefinition) {
  for (Index n = 1; n <= 6; ++n) {
    for (std::uint32_t trial = 0; trial < 20; ++trial) {
      const auto jacobian = normals(1000 + 100 * static_cast<std::uint32_t>(n) + trial, n * n);
      const WrittenCIma written = written_c_ima(jacobian, n);
      const auto found = c_ima(jacobian, n);
      ASSERT_TRUE(found);
      EXPECT_NEAR(*found, written.value, limit_of(written, n)) << "n = " << n << ", trial " << trial;
      EXPECT_GE(*found, -limit_of(written, n));
    }
  }
}

TEST(CIma, IsMinusLogSineOfTheAngleBetweenTwoColumns) {
  for (const double angle : {0.01, 0.5, 1.0, 1.5707963267948966, 2.5}) {
    const std::vector<double> jacobian = {3, 0.2 * std::cos(angle), 0, 0.2 * std::sin(angle)};
    EXPECT_NEAR(*c_ima(jacobian, 2), -std::log(std::sin(angle)), 8 * epsilon / std::sin(angle));
  }
}

TEST(CIma, IsZeroForScaledRotations) {
  const double a = 0.7,
               b = -1.9;  // two rotations in three dimensions, then columns of length 1e-5, 1 and 1e5
  const std::vector<double> jacobian = {std::cos(a) * 1e-5,
                                        -std::sin(a) * std::cos(b),
                                        std::sin(a) * std::sin(b) * 1e5,
                                        std::sin(a) * 1e-5,
                                        std::cos(a) * std::cos(b),
                                        -std::cos(a) * std::sin(b) * 1e5,
                                        0,
                                        std::sin(b),
                                        std::cos(b) * 1e5};
  EXPECT_NEAR(*c_ima(jacobian, 3), 0, 27 * epsilon);
  EXPECT_NEAR(*c_ima_mean_jacobian(jacobian, 3), 0, 27 * epsilon);
  EXPECT_EQ(*c_ima(std::vector<double>{-4}, 1), 0);
}

TEST(CIma, DoesNotDependOnTheColumnsLengths) {
  const auto jacobian = normals(20, 16);
  auto scaled = jacobian;
  const double scales[] = {1e-200, 1e200, -3, 1e-9};
  for (std::size_t i = 0; i < scaled.size(); ++i) scaled[i] *= scales[i % 4];
  const WrittenCIma written = written_c_ima(jacobian, 4);
  EXPECT_NEAR(*c_ima(scaled, 4), *c_ima(jacobian, 4), limit_of(written, 4));
}

TEST(CIma, EdgeCases) {
  EXPECT_EQ(c_ima(std::vector<double>{1, 2, 2, 4}, 2), infinity);
  EXPECT_FALSE(c_ima(std::vector<double>{1, 0, 2, 0}, 2));
  EXPECT_FALSE(c_ima(std::vector<double>{1, not_a_number, 2, 3}, 2));
  EXPECT_THROW(c_ima(std::vector<double>{1, 2, 3}, 2), UsageError);
  EXPECT_FALSE(mean_c_ima({}, 2));
  EXPECT_FALSE(c_ima_mean_jacobian({}, 2));
  EXPECT_THROW(mean_c_ima(std::vector<double>{1, 2, 3, 4, 5}, 2), UsageError);
}

TEST(CIma, OfTheGramMatrixIsTheSame) {
  const Index n = 4;
  const auto jacobian = normals(30, n * n);
  std::vector<double> gram;
  for (Index k = 0; k < n; ++k) {
    for (Index l = 0; l < n; ++l) {
      const auto a = column(jacobian, n, k), b = column(jacobian, n, l);
      gram.push_back(std::inner_product(a.begin(), a.end(), b.begin(), 0.0));
    }
  }
  EXPECT_NEAR(*c_ima_of_gram(gram, n), *c_ima(jacobian, n), limit_of(written_c_ima(gram, n), n));

  // Columns of lengths 3 and 2 with cosine 1/2.
  EXPECT_NEAR(*c_ima_of_gram(std::vector<double>{9, 3, 3, 4}, 2), -0.5 * std::log(0.75), 8 * epsilon);
  EXPECT_EQ(c_ima_of_gram(std::vector<double>{1, 2, 2, 4}, 2), infinity);
  EXPECT_FALSE(c_ima_of_gram(std::vector<double>{1, 0, 0, 0}, 2));
}

TEST(CIma, MeansOverSamples) {
  const std::vector<double> first = {1, 0.5, 0, 1}, second = {1, -0.5, 0, 1};  // columns at +-26.6 degrees
  std::vector<double> both = first;
  both.insert(both.end(), second.begin(), second.end());
  EXPECT_NEAR(*mean_c_ima(both, 2), 0.5 * std::log(1.25), 8 * epsilon);
  EXPECT_NEAR(*c_ima_mean_jacobian(both, 2), 0, 8 * epsilon);
}

TEST(ColumnNorms, OfAnOblongMatrix) {
  const auto norms = column_norms(std::vector<double>{3, 1e-200, 0, 4, 0, 2e200}, 2, 3);
  ASSERT_EQ(norms.size(), 3u);
  EXPECT_DOUBLE_EQ(norms[0], 5);
  EXPECT_DOUBLE_EQ(norms[1], 1e-200);
  EXPECT_DOUBLE_EQ(norms[2], 2e200);
  EXPECT_THROW(column_norms(std::vector<double>{1, 2, 3}, 2, 2), UsageError);
}

TEST(RSquared, OfALinearMixtureIsOne) {
  const auto truth = normals(1, 200 * 2);
  std::vector<double> mixed, noisy;
  for (std::size_t i = 0; i < truth.size(); i += 2) {
    const double a = truth[i], b = truth[i + 1];
    mixed.insert(mixed.end(), {3 * a - b + 7, 0.2 * a + b});
    noisy.insert(noisy.end(), {a, a * a});
  }
  EXPECT_NEAR(*r_squared(truth, mixed, 2), 1, 1e-12);
  EXPECT_LT(*r_squared(truth, noisy, 2), 0.6);  // the second factor is not there
  EXPECT_GT(*r_squared(truth, noisy, 2), 0.5);
}

TEST(RSquared, OfOneFactorIsTheSquaredCorrelation) {
  const auto x = normals(1, 50), y = normals(2, 50);
  EXPECT_NEAR(*r_squared(x, y, 1), *pearson(x, y) * *pearson(x, y), 1e-14);
}

TEST(RSquared, EdgeCases) {
  EXPECT_FALSE(r_squared(std::vector<double>{1, 1, 1}, std::vector<double>{1, 2, 3}, 1));
  EXPECT_FALSE(r_squared(std::vector<double>{1, 2, 3}, std::vector<double>{2, 2, 2}, 1));
  EXPECT_FALSE(r_squared(std::vector<double>{1}, std::vector<double>{2}, 1));
  EXPECT_THROW(r_squared(std::vector<double>{1, 2}, std::vector<double>{2}, 1), UsageError);
}

TEST(ConformalContrast, IsZeroForScaledRotationsAndGrowsWithStretch) {
  const double c = std::cos(0.3), s = std::sin(0.3);
  EXPECT_NEAR(*conformal_contrast(std::vector<double>{5 * c, -5 * s, 5 * s, 5 * c}, 2), 0, 1e-15);
  // Eigenvalues 1 and 9: log (5 / 3).
  EXPECT_NEAR(*conformal_contrast(std::vector<double>{1, 0, 0, 3}, 2), std::log(5.0 / 3), 1e-15);
  EXPECT_TRUE(std::isinf(*conformal_contrast(std::vector<double>{1, 1, 1, 1}, 2)));
  EXPECT_FALSE(conformal_contrast(std::vector<double>{0, 0, 0, 0}, 2));
  EXPECT_NEAR(*mean_conformal_contrast(std::vector<double>{1, 0, 0, 1, 1, 0, 0, 3}, 2),
              0.5 * std::log(5.0 / 3), 1e-15);
}

TEST(AmariDistance, DoesNotSeeOrderLengthAndSign) {
  const auto truth = normals(1, 9);
  std::vector<double> same(9);
  for (int row = 0; row < 3; ++row) {
    same[row * 3 + 0] = -2 * truth[row * 3 + 1];
    same[row * 3 + 1] = 0.5 * truth[row * 3 + 2];
    same[row * 3 + 2] = 7 * truth[row * 3 + 0];
  }
  EXPECT_NEAR(*amari_distance(truth, same, 3), 0, 1e-13);
  // P = (1 1; 1 -1) / 2: the farthest there is.
  EXPECT_NEAR(*amari_distance(std::vector<double>{1, 0, 0, 1}, std::vector<double>{1, 1, 1, -1}, 2), 1,
              1e-15);
  EXPECT_FALSE(amari_distance(truth, std::vector<double>(9, 1), 3));
  EXPECT_FALSE(amari_distance(std::vector<double>(9, 1), truth, 3));
  EXPECT_FALSE(amari_distance(std::vector<double>{1}, std::vector<double>{1}, 1));
}

}  // namespace
}  // namespace elbow
