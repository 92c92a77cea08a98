#include "experiments/statistics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "kernels/error.h"
#include "kernels/philox.h"

namespace elbow {
namespace {

constexpr double epsilon = std::numeric_limits<double>::epsilon();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

std::vector<double> normals(std::uint64_t key, std::uint32_t stream, int n) {
  std::vector<double> values;
  for (std::uint32_t block = 0; static_cast<int>(values.size()) < n; ++block) {
    double four[4];
    kernels::normals_from(kernels::philox(key, stream, block, 0, 0), four);
    values.insert(values.end(), four, four + 4);
  }
  values.resize(static_cast<std::size_t>(n));
  return values;
}

TEST(Quantile, InterpolatesBetweenOrderStatistics) {
  const std::vector<double> values = {7, 1, 3, 10};  // sorted 1, 3, 7, 10; position p (n - 1)
  EXPECT_EQ(quantile(values, 0), 1);
  EXPECT_EQ(quantile(values, 0.25), 2.5);
  EXPECT_EQ(quantile(values, 0.5), 5);
  EXPECT_EQ(quantile(values, 0.75), 7.75);
  EXPECT_EQ(quantile(values, 1), 10);
  EXPECT_EQ(median(values), 5);
  EXPECT_EQ(median(std::vector<double>{3, 1, 2}), 2);
  EXPECT_EQ(quantile(std::vector<double>{4}, 0.3), 4);
  EXPECT_EQ(mean(values), 5.25);
}

TEST(Quantile, RefusesWhatHasNone) {
  EXPECT_FALSE(median(std::vector<double>{}));
  EXPECT_FALSE(mean(std::vector<double>{}));
  EXPECT_FALSE(median(std::vector<double>{1, not_a_number}));
  EXPECT_FALSE(mean(std::vector<double>{1, infinity}));
  EXPECT_EQ(why_undefined(std::vector<double>{}), "no values");
  EXPECT_EQ(why_undefined(std::vector<double>{1, infinity}), "a value that is not finite");
  EXPECT_EQ(why_undefined(std::vector<double>{1}), "");
  EXPECT_THROW(quantile(std::vector<double>{1}, 1.1), UsageError);
  EXPECT_THROW(quantile(std::vector<double>{1}, not_a_number), UsageError);
}

TEST(MeanRanks, TiesShareTheirMean) {
  EXPECT_EQ(mean_ranks(std::vector<double>{5, 1, 5, 3, 5}), (std::vector<double>{4, 1, 4, 2, 4}));
  EXPECT_EQ(mean_ranks(std::vector<double>{2, 2}), (std::vector<double>{1.5, 1.5}));
  EXPECT_TRUE(mean_ranks(std::vector<double>{}).empty());
  EXPECT_THROW(mean_ranks(std::vector<double>{1, not_a_number}), UsageError);
}

TEST(Correlation, KnownValues) {
  const std::vector<double> x = {1, 2, 3, 4, 5};
  // Sums about the means: xx = 10, yy = 10, xy = 8.
  EXPECT_NEAR(*pearson(x, std::vector<double>{2, 1, 4, 3, 5}), 0.8, 4 * epsilon);
  EXPECT_NEAR(*pearson(x, std::vector<double>{-1, -3, -5, -7, -9}), -1, 4 * epsilon);
  EXPECT_NEAR(*spearman(x, std::vector<double>{1, 8, 27, 64, 1e9}), 1, 4 * epsilon);
  // Ranks 1, 2.5, 2.5, 4 against 1, 2, 3, 4: sums 4.5, 5 and 4.5.
  EXPECT_NEAR(*spearman(std::vector<double>{0, 7, 7, 9}, std::vector<double>{1, 2, 3, 4}),
              4.5 / std::sqrt(22.5), 4 * epsilon);
}

TEST(Correlation, DoesNotDependOnOriginOrUnit) {
  const std::vector<double> x = normals(1, 0, 257);
  std::vector<double> y = normals(1, 1, 257), moved = x;
  for (std::size_t i = 0; i < x.size(); ++i) y[i] += 0.5 * x[i];
  for (double& value : moved) value = 1e6 + 1e-3 * value;
  // Moving by 1e6 rounds each value by eps 1e6 / 2, against a spread of 1e-3.
  EXPECT_NEAR(*pearson(moved, y), *pearson(x, y), 4 * epsilon * 1e6 / 1e-3);
}

TEST(Correlation, SaysWhyItIsUndefined) {
  const std::vector<double> x = {1, 2, 3}, constant = {0.1, 0.1, 0.1}, hole = {1, not_a_number, 2};
  EXPECT_FALSE(pearson(x, constant));
  EXPECT_FALSE(spearman(constant, x));
  EXPECT_EQ(why_undefined(x, constant), "constant values");
  EXPECT_EQ(why_undefined(x, hole), "a value that is not finite");
  EXPECT_EQ(why_undefined(x, std::vector<double>{1, 2}), "different lengths");
  EXPECT_EQ(why_undefined(std::vector<double>{1}, std::vector<double>{1}), "fewer than two values");
  EXPECT_FALSE(spearman(x, hole));
  EXPECT_FALSE(pearson(x, std::vector<double>{1, 2}));
}

TEST(BootstrapInterval, IsAFunctionOfItsSeed) {
  const std::vector<double> values = normals(2, 0, 33);
  const auto first = bootstrap_interval(values, median, {.resamples = 500});
  const auto again = bootstrap_interval(values, median, {.resamples = 500});
  const auto other = bootstrap_interval(values, median, {.resamples = 500, .seed = 2});
  ASSERT_TRUE(first && again && other);
  EXPECT_EQ(first->low, again->low);
  EXPECT_EQ(first->high, again->high);
  EXPECT_TRUE(first->low != other->low || first->high != other->high);
}

// 300 samples of 60 normal numbers: the 95 % interval of the mean holds the true one in 94 % of the cases
// (the percentile interval is a little short at n = 60). Four standard errors of that share are 0.055.
TEST(BootstrapInterval, CoversTheTruth) {
  constexpr int experiments = 300;
  int covered = 0;
  for (int i = 0; i < experiments; ++i) {
    const std::vector<double> values = normals(3, static_cast<std::uint32_t>(i), 60);
    const auto interval = bootstrap_interval(values, mean, {.resamples = 400});
    ASSERT_TRUE(interval);
    covered += interval->low <= 0 && 0 <= interval->high;
  }
  EXPECT_NEAR(covered / static_cast<double>(experiments), 0.94, 0.055);
}

// The standard error of a mean is known: the interval is 2 x 1.96 of it wide, up to the resampling's own
// error of about 1 / sqrt(2 x 10000 x 0.05) = 3 %.
TEST(BootstrapInterval, HasTheWidthOfTheStandardError) {
  const std::vector<double> values = normals(4, 0, 400);
  double square = 0;
  for (const double value : values) square += (value - *mean(values)) * (value - *mean(values));
  const double standard_error = std::sqrt(square) / 400;
  const auto interval = bootstrap_interval(values, mean);
  ASSERT_TRUE(interval);
  EXPECT_NEAR((interval->high - interval->low) / (2 * 1.96 * standard_error), 1, 0.1);
}

TEST(BootstrapInterval, DrawsPairsTogether) {
  const std::vector<double> x = normals(5, 0, 98);
  std::vector<double> y(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) y[i] = -2 * x[i];
  const auto interval = bootstrap_interval(x, y, spearman, {.resamples = 200});
  ASSERT_TRUE(interval);
  EXPECT_NEAR(interval->low, -1, 8 * epsilon);
  EXPECT_NEAR(interval->high, -1, 8 * epsilon);
}

TEST(BootstrapInterval, RefusesWhatHasNone) {
  EXPECT_FALSE(bootstrap_interval(std::vector<double>{}, median));
  EXPECT_FALSE(bootstrap_interval(std::vector<double>{1, not_a_number}, median));
  // Of three pairs, one resample in nine is a single pair three times: too many without a correlation.
  EXPECT_FALSE(bootstrap_interval(std::vector<double>{1, 2, 3}, std::vector<double>{1, 3, 2}, pearson));
  EXPECT_FALSE(bootstrap_interval(std::vector<double>{1, 2}, std::vector<double>{1}, pearson));
  EXPECT_THROW(bootstrap_interval(std::vector<double>{1}, mean, {.resamples = 0}), UsageError);
  EXPECT_THROW(bootstrap_interval(std::vector<double>{1}, mean, {.level = 1}), UsageError);
}

TEST(LogLogSlope, FindsAPowerLaw) {
  const std::vector<double> x = {1e1, 1e2, 1e3, 1e4, 1e5};
  std::vector<std::vector<double>> groups;
  for (const double value : x) groups.push_back({3 * std::pow(value, -1.37)});
  const auto slope = log_log_slope(x, groups);
  ASSERT_TRUE(slope && slope->interval);
  EXPECT_NEAR(slope->value, -1.37, 8 * epsilon);
  EXPECT_NEAR(slope->interval->low, -1.37, 8 * epsilon);
  EXPECT_NEAR(slope->interval->high, -1.37, 8 * epsilon);
}

// Noise of 0.1 in log y: the slope over four decades has a standard error of 0.1 sqrt(pi / 2 / 20) / (ln 10
// sqrt(10)), which is 0.0039, so the interval is about 0.015 wide.
TEST(LogLogSlope, IntervalHoldsTheSlope) {
  const std::vector<double> x = {1e1, 1e2, 1e3, 1e4, 1e5};
  std::vector<std::vector<double>> groups;
  for (std::size_t i = 0; i < x.size(); ++i) {
    groups.emplace_back();
    for (const double noise : normals(6, static_cast<std::uint32_t>(i), 20)) {
      groups.back().push_back(std::exp(0.1 * noise) / x[i]);
    }
  }
  const auto slope = log_log_slope(x, groups, median, {.resamples = 2000});
  ASSERT_TRUE(slope && slope->interval);
  EXPECT_LT(slope->interval->low, slope->value);
  EXPECT_GT(slope->interval->high, slope->value);
  EXPECT_NEAR(slope->value, -1, 4 * 0.0039);
  EXPECT_NEAR(slope->interval->high - slope->interval->low, 0.0153, 0.5 * 0.0153);
}

TEST(LogLogSlope, RefusesWhatHasNoLogarithm) {
  const std::vector<double> x = {1, 10};
  using Groups = std::vector<std::vector<double>>;
  EXPECT_FALSE(log_log_slope(x, Groups{{1}, {0}}));
  EXPECT_FALSE(log_log_slope(x, Groups{{1}, {}}));
  EXPECT_FALSE(log_log_slope(std::vector<double>{-1, 10}, Groups{{1}, {2}}));
  EXPECT_FALSE(log_log_slope(std::vector<double>{1}, Groups{{1}}));
  EXPECT_FALSE(log_log_slope(std::vector<double>{2, 2}, Groups{{1}, {3}}));
  EXPECT_THROW(log_log_slope(x, Groups{{1}}), UsageError);
}

}  // namespace
}  // namespace elbow
