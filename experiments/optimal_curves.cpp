#include "experiments/optimal_curves.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <exception>
#include <mutex>
#include <numeric>
#include <thread>

#include "engine/random.h"
#include "experiments/progress.h"
#include "experiments/stop.h"
#include "experiments/text.h"

namespace elbow {
namespace {

constexpr std::uint32_t points_step = 1;  // step 0 of the stream is for training

/// job(0) .. job(count - 1) on `threads` threads, until the first exception, which comes back, or a stop.
template <class Job>
void in_parallel(int threads, std::size_t count, const Job& job) {
  std::atomic<std::size_t> next = 0;
  std::mutex mutex;
  std::exception_ptr failure;
  const auto work = [&] {
    try {
      for (std::size_t i = next++; i < count && !stop_requested(); i = next++) job(i);
    } catch (...) {
      const std::lock_guard lock(mutex);
      if (!failure) failure = std::current_exception();
      next = count;
    }
  };
  {
    std::vector<std::jthread> workers;
    for (int i = 0; i < threads; ++i) workers.emplace_back(work);
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace

KnownPoints KnownDecoder::points(Index samples) const {
  const Index dim = weights.front().shape()[1];
  return known_points(network(DType::float64),
                      normal({seed, Stream::sources, points_step}, samples, dim, DType::float64));
}

std::optional<double> OptimalCurve::mean_at(double precision) const {
  const auto found = std::find(gamma2.begin(), gamma2.end(), precision);
  if (found == gamma2.end()) return {};
  return mean(ima_minus_elbo[found - gamma2.begin()]);
}

std::optional<Slope> OptimalCurve::slope_from(double first) const {
  const std::size_t begin = std::lower_bound(gamma2.begin(), gamma2.end(), first) - gamma2.begin();
  std::vector<double> x;
  for (std::size_t i = begin; i < gamma2.size(); ++i) x.push_back(std::log(gamma2[i]));
  const Statistic slope_of = [&](std::span<const double> points) {
    std::vector<double> y;
    for (std::size_t i = begin; i < gamma2.size(); ++i) {
      double sum = 0;
      for (double point : points) sum += ima_minus_elbo[i][static_cast<std::size_t>(point)];
      y.push_back(std::log(std::abs(sum / static_cast<double>(points.size()))));
    }
    return slope(x, y);
  };
  std::vector<double> points(gamma2.empty() ? 0 : ima_minus_elbo.front().size());
  std::iota(points.begin(), points.end(), 0.0);
  const auto value = slope_of(points);
  if (!value) return {};
  return Slope{*value, bootstrap_interval(points, slope_of)};
}

std::vector<OptimalCurve> optimal_curves(const std::string& label, const std::vector<KnownDecoder>& decoders,
                                         const std::vector<double>& gamma2, Index samples, int threads) {
  std::vector<OptimalCurve> curves;
  for (const KnownDecoder& decoder : decoders) {
    const KnownPoints points = decoder.points(samples);
    curves.push_back(
        {decoder.name, or_nan(mean(points.c_ima)), or_nan(mean(points.log_density)), gamma2, {}});
    curves.back().ima_minus_elbo.resize(gamma2.size());
  }
  const std::size_t jobs = decoders.size() * gamma2.size();
  Progress progress(label, static_cast<int>(jobs));
  in_parallel(threads, jobs, [&](std::size_t job) {
    const KnownDecoder& decoder = decoders[job / gamma2.size()];
    const std::size_t i = job % gamma2.size();
    const KnownPoints points = decoder.points(samples);
    const Optimum optimum =
        optimal_posterior(decoder.network(DType::float64), points, gamma2[i], gaussian_rule(points.dim));
    curves[job / gamma2.size()].ima_minus_elbo[i] = optimum.ima_minus_elbo;
    progress.update(static_cast<int>(job), 1);
  });
  return curves;
}

std::string curves_csv(const std::vector<OptimalCurve>& curves) {
  std::string text = "decoder,gamma2,samples,elbo,ima_minus_elbo,loglik_minus_elbo,log_likelihood,c_ima\n";
  for (const OptimalCurve& curve : curves) {
    for (std::size_t i = 0; i < curve.gamma2.size(); ++i) {
      const double difference = or_nan(mean(curve.ima_minus_elbo[i]));
      const double elbo = curve.log_density - curve.c_ima - difference;
      text +=
          fmt::format("{},{},{},{},{},{},{},{}\n", curve.decoder, shortest(curve.gamma2[i]),
                      curve.ima_minus_elbo[i].size(), shortest(elbo), shortest(difference),
                      shortest(difference + curve.c_ima), shortest(curve.log_density), shortest(curve.c_ima));
    }
  }
  return text;
}

}  // namespace elbow
