#pragma once
// Statistics of runs. What is not defined is an empty optional, and why_undefined says it in words.
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace elbow {

/// "" where mean and quantiles are defined, else "no values" or "a value that is not finite".
std::string_view why_undefined(std::span<const double> values);

/// The same for a correlation: also "different lengths", "fewer than two values" and "constant values".
std::string_view why_undefined(std::span<const double> x, std::span<const double> y);

/// The value, or NaN where there is none.
double or_nan(const std::optional<double>& value);

std::optional<double> mean(std::span<const double> values);

/// The value at position p (n - 1), 0 <= p <= 1, among the sorted values counted from 0, linear in between
/// (Hyndman & Fan 1996, definition 7; the default of NumPy and R).
std::optional<double> quantile(std::span<const double> values, double p);
std::optional<double> median(std::span<const double> values);

/// Ranks from 1 of finite values; equal values share the mean of their ranks.
std::vector<double> mean_ranks(std::span<const double> values);

/// Undefined where why_undefined(x, y) has something to say.
std::optional<double> pearson(std::span<const double> x, std::span<const double> y);
std::optional<double> spearman(std::span<const double> x, std::span<const double> y);

using Statistic = std::function<std::optional<double>(std::span<const double>)>;
using PairStatistic = std::function<std::optional<double>(std::span<const double>, std::span<const double>)>;

struct Interval {
  double low;
  double high;
};

/// How an interval is drawn: Efron's percentile bootstrap, resamples numbered by Philox counters under the
/// seed, so the same values give the same interval everywhere.
struct Bootstrap {
  int resamples = 10000;
  double level = 0.95;  ///< in (0, 1)
  std::uint64_t seed = 1;
};

/// The interval of a statistic. Resamples on which the statistic is undefined are left out; where they are
/// more than one in twenty, or the statistic of the values themselves is undefined, there is no interval.
std::optional<Interval> bootstrap_interval(std::span<const double> values, const Statistic& statistic,
                                           const Bootstrap& bootstrap = {});

/// The same for a statistic of pairs, which are drawn together.
std::optional<Interval> bootstrap_interval(std::span<const double> x, std::span<const double> y,
                                           const PairStatistic& statistic, const Bootstrap& bootstrap = {});

/// Least-squares slope of y over x. Undefined as a correlation is, except that y may be constant (slope 0).
std::optional<double> slope(std::span<const double> x, std::span<const double> y);

struct Slope {
  double value;
  std::optional<Interval> interval;
};

/// Slope of log(centre of groups[i]) over log(x[i]); the interval draws each group anew from its own values.
/// Undefined where a centre is undefined or not positive, an x is not positive, or there are fewer than two
/// groups.
std::optional<Slope> log_log_slope(std::span<const double> x, std::span<const std::vector<double>> groups,
                                   const Statistic& centre = median, const Bootstrap& bootstrap = {});

}  // namespace elbow
