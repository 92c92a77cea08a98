#include "experiments/statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>

#include "kernels/error.h"
#include "kernels/philox.h"

namespace elbow {
namespace {

bool all_finite(std::span<const double> values) {
  return std::all_of(values.begin(), values.end(), [](double value) { return std::isfinite(value); });
}

bool constant(std::span<const double> values) {
  return std::all_of(values.begin(), values.end(), [&](double value) { return value == values.front(); });
}

double sum(std::span<const double> values) { return std::accumulate(values.begin(), values.end(), 0.0); }

std::vector<double> centred(std::span<const double> values) {
  const double centre = sum(values) / static_cast<double>(values.size());
  std::vector<double> result(values.begin(), values.end());
  for (double& value : result) value -= centre;
  return result;
}

double dot(std::span<const double> x, std::span<const double> y) {
  return std::inner_product(x.begin(), x.end(), y.begin(), 0.0);
}

/// Position draw % n of resample `resample` of group `group`. The product of a 32-bit word and n, shifted
/// down, favours no position by more than n / 2^32.
class Resampler {
 public:
  Resampler(std::uint64_t seed, int resample, std::size_t group)
      : seed_(seed),
        resample_(static_cast<std::uint32_t>(resample)),
        group_(static_cast<std::uint32_t>(group)) {}

  std::vector<std::size_t> positions(std::size_t n) const {
    std::vector<std::size_t> result(n);
    kernels::PhiloxBlock block{};
    for (std::size_t draw = 0; draw < n; ++draw) {
      if (draw % 4 == 0) {
        block = kernels::philox(seed_, group_, resample_, static_cast<std::uint32_t>(draw / 4), 0);
      }
      result[draw] = static_cast<std::size_t>((std::uint64_t{block.word[draw % 4]} * n) >> 32);
    }
    return result;
  }

 private:
  std::uint64_t seed_;
  std::uint32_t resample_;
  std::uint32_t group_;
};

std::vector<double> gathered(std::span<const double> values, std::span<const std::size_t> positions) {
  std::vector<double> result(positions.size());
  std::transform(positions.begin(), positions.end(), result.begin(),
                 [&](std::size_t i) { return values[i]; });
  return result;
}

/// The percentile interval of statistic(resample), for resample = 0 .. resamples - 1.
template <class OfResample>
std::optional<Interval> percentile_interval(const Bootstrap& bootstrap, const OfResample& statistic) {
  if (bootstrap.resamples < 1 || !(bootstrap.level > 0 && bootstrap.level < 1)) {
    throw UsageError("[bootstrap] expected at least one resample and a level inside (0, 1), got " +
                     std::to_string(bootstrap.resamples) + " and " + std::to_string(bootstrap.level));
  }
  std::vector<double> defined;
  for (int resample = 0; resample < bootstrap.resamples; ++resample) {
    const std::optional<double> value = statistic(resample);
    if (value && std::isfinite(*value)) defined.push_back(*value);
  }
  if (static_cast<double>(defined.size()) < 0.95 * bootstrap.resamples) return std::nullopt;
  const double tail = (1 - bootstrap.level) / 2;
  return Interval{*quantile(defined, tail), *quantile(defined, 1 - tail)};
}

std::optional<double> slope_of_logs(std::span<const double> x, std::span<const std::optional<double>> y) {
  std::vector<double> log_x, log_y;
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (!(x[i] > 0) || !y[i] || !(*y[i] > 0)) return std::nullopt;
    log_x.push_back(std::log(x[i]));
    log_y.push_back(std::log(*y[i]));
  }
  return slope(log_x, log_y);
}

}  // namespace

std::string_view why_undefined(std::span<const double> values) {
  if (values.empty()) return "no values";
  if (!all_finite(values)) return "a value that is not finite";
  return "";
}

std::string_view why_undefined(std::span<const double> x, std::span<const double> y) {
  if (x.size() != y.size()) return "different lengths";
  if (x.size() < 2) return "fewer than two values";
  if (!all_finite(x) || !all_finite(y)) return "a value that is not finite";
  if (constant(x) || constant(y)) return "constant values";
  return "";
}

double or_nan(const std::optional<double>& value) {
  return value.value_or(std::numeric_limits<double>::quiet_NaN());
}

std::optional<double> mean(std::span<const double> values) {
  if (!why_undefined(values).empty()) return std::nullopt;
  return sum(values) / static_cast<double>(values.size());
}

std::optional<double> quantile(std::span<const double> values, double p) {
  if (!(p >= 0 && p <= 1)) throw UsageError("[quantile] expected p in [0, 1], got " + std::to_string(p));
  if (!why_undefined(values).empty()) return std::nullopt;
  std::vector<double> sorted(values.begin(), values.end());
  const double position = p * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(position);
  const auto nth = sorted.begin() + static_cast<std::ptrdiff_t>(below);
  std::nth_element(sorted.begin(), nth, sorted.end());
  if (below + 1 == sorted.size()) return *nth;
  return std::lerp(*nth, *std::min_element(nth + 1, sorted.end()), position - static_cast<double>(below));
}

std::optional<double> median(std::span<const double> values) { return quantile(values, 0.5); }

std::vector<double> mean_ranks(std::span<const double> values) {
  if (!all_finite(values)) throw UsageError("[mean_ranks] expected finite values");
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
  std::vector<double> ranks(values.size());
  for (std::size_t first = 0, last = 0; first < order.size(); first = last) {
    while (last < order.size() && values[order[last]] == values[order[first]]) ++last;
    const double shared = 0.5 * static_cast<double>(first + 1 + last);
    for (std::size_t i = first; i < last; ++i) ranks[order[i]] = shared;
  }
  return ranks;
}

std::optional<double> pearson(std::span<const double> x, std::span<const double> y) {
  if (!why_undefined(x, y).empty()) return std::nullopt;
  const std::vector<double> a = centred(x), b = centred(y);
  const double scale = std::sqrt(dot(a, a)) * std::sqrt(dot(b, b));
  // Values that differ by less than the centre's rounding leave nothing to correlate.
  if (!(scale > 0) || !std::isfinite(scale)) return std::nullopt;
  return std::clamp(dot(a, b) / scale, -1.0, 1.0);
}

std::optional<double> spearman(std::span<const double> x, std::span<const double> y) {
  if (!why_undefined(x, y).empty()) return std::nullopt;
  return pearson(mean_ranks(x), mean_ranks(y));
}

std::optional<Interval> bootstrap_interval(std::span<const double> values, const Statistic& statistic,
                                           const Bootstrap& bootstrap) {
  if (!statistic(values)) return std::nullopt;
  return percentile_interval(bootstrap, [&](int resample) {
    return statistic(gathered(values, Resampler(bootstrap.seed, resample, 0).positions(values.size())));
  });
}

std::optional<Interval> bootstrap_interval(std::span<const double> x, std::span<const double> y,
                                           const PairStatistic& statistic, const Bootstrap& bootstrap) {
  if (x.size() != y.size() || !statistic(x, y)) return std::nullopt;
  return percentile_interval(bootstrap, [&](int resample) {
    const std::vector<std::size_t> positions = Resampler(bootstrap.seed, resample, 0).positions(x.size());
    return statistic(gathered(x, positions), gathered(y, positions));
  });
}

std::optional<double> slope(std::span<const double> x, std::span<const double> y) {
  if (x.size() != y.size() || x.size() < 2 || !all_finite(x) || !all_finite(y) || constant(x))
    return std::nullopt;
  const std::vector<double> a = centred(x);
  return dot(a, centred(y)) / dot(a, a);
}

std::optional<Slope> log_log_slope(std::span<const double> x, std::span<const std::vector<double>> groups,
                                   const Statistic& centre, const Bootstrap& bootstrap) {
  if (x.size() != groups.size()) {
    throw UsageError("[log_log_slope] expected one group for each of " + std::to_string(x.size()) +
                     " abscissae, got " + std::to_string(groups.size()));
  }
  std::vector<std::optional<double>> centres(groups.size());
  for (std::size_t i = 0; i < groups.size(); ++i) centres[i] = centre(groups[i]);
  const std::optional<double> value = slope_of_logs(x, centres);
  if (!value) return std::nullopt;
  return Slope{*value, percentile_interval(bootstrap, [&](int resample) {
                 for (std::size_t i = 0; i < groups.size(); ++i) {
                   const Resampler resampler(bootstrap.seed, resample, i);
                   centres[i] = centre(gathered(groups[i], resampler.positions(groups[i].size())));
                 }
                 return slope_of_logs(x, centres);
               })};
}

}  // namespace elbow
