#include "experiments/optimal_posterior.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "engine/ops.h"
#include "experiments/metrics.h"

namespace elbow {
namespace {

constexpr Index rows_at_once = 30000;  // decoder evaluations, so that memory stays small
constexpr double tolerance = 1e-10;    // nats
constexpr int most_iterations = 200;
constexpr double least_damping = 1e-3;

/// L_IMA - ELBO of one x around a posterior, by (mu, log sigma).
struct Local {
  double value = 0;
  std::vector<double> gradient;   // (2 dim)
  std::vector<double> curvature;  // (2 dim, 2 dim), Gauss-Newton's, positive definite
};

class Objective {
 public:
  Objective(const FixedMlp& decoder, const KnownPoints& points, double precision, const GaussianRule& rule)
      : decoder_(decoder), points_(points), precision_(precision), rule_(rule), dim_(points.dim) {}

  /// One Local for each of the samples `which`.
  std::vector<Local> at(const Posterior& posterior, std::span<const Index> which) const {
    const NoGradient off;
    std::vector<Local> locals;
    const std::size_t chunk = static_cast<std::size_t>(std::max<Index>(1, rows_at_once / rule_.points()));
    for (std::size_t first = 0; first < which.size(); first += chunk) {
      const auto part = which.subspan(first, std::min(chunk, which.size() - first));
      const Dual decoded = decoder_(seeded(Variable(latents(posterior, part))));
      const std::vector<double> values = decoded.primal.value().to_vector<double>();
      const std::vector<double> tangents = decoded.tangents.value().to_vector<double>();
      for (std::size_t i = 0; i < part.size(); ++i) {
        Local local = expected(posterior, part[i], values, tangents, static_cast<Index>(i) * rule_.points());
        add_prior(posterior, part[i], local);
        locals.push_back(std::move(local));
      }
    }
    return locals;
  }

 private:
  double sigma(const Posterior& posterior, Index sample, Index k) const {
    return std::exp(posterior.log_sigma[sample * dim_ + k]);
  }

  /// mu + sigma xi at every node for each sample, (samples points, dim).
  Tensor latents(const Posterior& posterior, std::span<const Index> samples) const {
    std::vector<double> z;
    for (Index sample : samples) {
      for (std::size_t at = 0; at < rule_.nodes.size(); ++at) {
        const Index k = static_cast<Index>(at) % dim_;
        z.push_back(posterior.mean[sample * dim_ + k] + sigma(posterior, sample, k) * rule_.nodes[at]);
      }
    }
    const auto rows = static_cast<Index>(z.size()) / dim_;
    return Tensor::from(z, {rows, dim_});
  }

  /// gamma^2 / 2 E|f - x|^2 with its derivatives; `tangents` (dim, rows, dim), the sample's from row `first` on.
  Local expected(const Posterior& posterior, Index sample, const std::vector<double>& values,
                 const std::vector<double>& tangents, Index first) const {
    const Index all = static_cast<Index>(values.size());
    const Index parameters = 2 * dim_;
    Local local{0, std::vector<double>(parameters), std::vector<double>(parameters * parameters)};
    std::vector<double> residual(dim_), slope(parameters * dim_);  // of f by mu and by log sigma
    for (Index node = 0; node < rule_.points(); ++node) {
      const double weight = precision_ * rule_.weights[node];
      const Index at = (first + node) * dim_;
      for (Index c = 0; c < dim_; ++c) residual[c] = values[at + c] - points_.observations[sample * dim_ + c];
      for (Index k = 0; k < dim_; ++k) {
        const double shift = sigma(posterior, sample, k) * rule_.nodes[node * dim_ + k];
        for (Index c = 0; c < dim_; ++c) {
          slope[k * dim_ + c] = tangents[k * all + at + c];
          slope[(dim_ + k) * dim_ + c] = shift * slope[k * dim_ + c];
        }
      }
      local.value += 0.5 * weight * dot(residual.data(), residual.data());
      for (Index p = 0; p < parameters; ++p) {
        const double* const row = slope.data() + p * dim_;
        local.gradient[p] += weight * dot(row, residual.data());
        for (Index q = 0; q <= p; ++q) {
          local.curvature[p * parameters + q] += weight * dot(row, slope.data() + q * dim_);
        }
      }
    }
    return local;
  }

  /// The terms without f. Completes the curvature above the diagonal.
  void add_prior(const Posterior& posterior, Index sample, Local& local) const {
    const Index parameters = 2 * dim_;
    local.value -= 0.5 * static_cast<double>(dim_);
    for (Index k = 0; k < dim_; ++k) {
      const double mean = posterior.mean[sample * dim_ + k];
      const double source = points_.sources[sample * dim_ + k];
      const double log_sigma = posterior.log_sigma[sample * dim_ + k];
      const double variance = std::exp(2 * log_sigma);
      local.value += 0.5 * (variance + (mean - source) * (mean + source)) - log_sigma -
                     0.5 * std::log(precision_) - std::log(points_.column_norms[sample * dim_ + k]);
      // d sigma / d log sigma = sigma: f's gradient by log sigma is part of its own curvature.
      const Index s = dim_ + k;
      local.curvature[s * parameters + s] += std::max(0.0, local.gradient[s]) + 2 * variance;
      local.curvature[k * parameters + k] += 1;
      local.gradient[k] += mean;
      local.gradient[s] += variance - 1;
    }
    for (Index p = 0; p < parameters; ++p) {
      for (Index q = 0; q < p; ++q) local.curvature[q * parameters + p] = local.curvature[p * parameters + q];
    }
  }

  double dot(const double* a, const double* b) const { return std::inner_product(a, a + dim_, b, 0.0); }

  const FixedMlp& decoder_;
  const KnownPoints& points_;
  double precision_;
  const GaussianRule& rule_;
  Index dim_;
};

/// Solves (A + damping diag A) s = b for a positive definite A, by Cholesky's A = L Lᵀ.
std::vector<double> solve(std::vector<double> a, std::vector<double> b, double damping) {
  const std::size_t n = b.size();
  for (std::size_t i = 0; i < n; ++i) a[i * n + i] *= 1 + damping;
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      double sum = a[i * n + j];
      for (std::size_t k = 0; k < j; ++k) sum -= a[i * n + k] * a[j * n + k];
      a[i * n + j] = i == j ? std::sqrt(sum) : sum / a[j * n + j];
    }
  }
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t k = 0; k < i; ++k) b[i] -= a[i * n + k] * b[k];
    b[i] /= a[i * n + i];
  }
  for (std::size_t i = n; i-- > 0;) {
    for (std::size_t k = i + 1; k < n; ++k) b[i] -= a[k * n + i] * b[k];
    b[i] /= a[i * n + i];
  }
  return b;
}

std::vector<Index> all_of(const KnownPoints& points) {
  std::vector<Index> samples(static_cast<std::size_t>(points.samples()));
  std::iota(samples.begin(), samples.end(), Index{0});
  return samples;
}

/// What a step brings if the curvature is right, in nats.
double promise(const std::vector<double>& step, const Local& local) {
  return 0.5 * std::inner_product(step.begin(), step.end(), local.gradient.begin(), 0.0);
}

/// More where a step brought little of what it promised or was a loss, less where it brought most of it.
double next_damping(double damping, double gain) {
  if (!(gain > 0.25)) return std::max(least_damping, 10 * damping);
  if (gain < 0.75) return damping;
  return damping > least_damping ? 0.1 * damping : 0;
}

void move(Posterior& posterior, Index sample, const std::vector<double>& step) {
  const auto dim = static_cast<Index>(step.size() / 2);
  for (Index k = 0; k < dim; ++k) {
    posterior.mean[sample * dim + k] -= step[k];
    posterior.log_sigma[sample * dim + k] -= step[dim + k];
  }
}

void copy(const Posterior& from, Posterior& to, Index sample, Index dim) {
  for (Index at = sample * dim; at < (sample + 1) * dim; ++at) {
    to.mean[at] = from.mean[at];
    to.log_sigma[at] = from.log_sigma[at];
  }
}

}  // namespace

KnownPoints known_points(const FixedMlp& decoder, const Tensor& sources) {
  const NoGradient off;
  const Index samples = sources.shape()[0];
  const Index dim = sources.shape()[1];
  const Dual decoded = decoder(seeded(Variable(sources)));
  const std::vector<double> tangents = decoded.tangents.value().to_vector<double>();
  KnownPoints points{dim, sources.to_vector<double>(), decoded.primal.value().to_vector<double>(), {}, {},
                     {}};
  std::vector<double> jacobian(dim * dim);
  for (Index i = 0; i < samples; ++i) {
    double log_prior = -0.5 * static_cast<double>(dim) * math::log_two_pi;
    for (Index k = 0; k < dim; ++k) {
      const double z = points.sources[i * dim + k];
      log_prior -= 0.5 * z * z;
      for (Index c = 0; c < dim; ++c) jacobian[c * dim + k] = tangents[(k * samples + i) * dim + c];
    }
    const double contrast = c_ima(jacobian, dim).value_or(std::numeric_limits<double>::quiet_NaN());
    double log_norms = 0;
    for (double norm : column_norms(jacobian, dim, dim)) {
      points.column_norms.push_back(norm);
      log_norms += std::log(norm);
    }
    points.c_ima.push_back(contrast);
    points.log_density.push_back(log_prior - (log_norms - contrast));
  }
  return points;
}

Posterior theoretical_posterior(const KnownPoints& points, double precision) {
  Posterior posterior{points.sources, {}};
  for (double norm : points.column_norms) {
    posterior.log_sigma.push_back(-0.5 * std::log(1 + precision * norm * norm));
  }
  return posterior;
}

std::vector<double> ima_minus_elbo(const FixedMlp& decoder, const KnownPoints& points,
                                   const Posterior& posterior, double precision, const GaussianRule& rule) {
  std::vector<double> values;
  for (const Local& local : Objective(decoder, points, precision, rule).at(posterior, all_of(points))) {
    values.push_back(local.value);
  }
  return values;
}

Optimum optimal_posterior(const FixedMlp& decoder, const KnownPoints& points, double precision,
                          const GaussianRule& rule) {
  const Objective objective(decoder, points, precision, rule);
  Posterior best = theoretical_posterior(points, precision);
  std::vector<Index> active = all_of(points);
  std::vector<Local> at_best = objective.at(best, active);
  std::vector<double> damping(at_best.size(), 0);
  for (int iteration = 0; !active.empty(); ++iteration) {
    Posterior trial = best;
    std::vector<Index> moving;
    std::vector<double> promises;
    for (Index i : active) {
      const Local& local = at_best[i];
      std::vector<double> step = solve(local.curvature, local.gradient, 0);
      if (promise(step, local) < tolerance) continue;
      if (damping[i] > 0) step = solve(local.curvature, local.gradient, damping[i]);
      move(trial, i, step);
      moving.push_back(i);
      promises.push_back(promise(step, local));
    }
    if (iteration == most_iterations && !moving.empty()) {
      throw NumericalError(
          fmt::format("ELBO* of {} observations of {} was not found in {} steps at gamma^2 {:g}",
                      moving.size(), points.samples(), most_iterations, precision));
    }
    std::vector<Local> locals = objective.at(trial, moving);
    for (std::size_t j = 0; j < moving.size(); ++j) {
      const Index i = moving[j];
      const double gain = (at_best[i].value - locals[j].value) / promises[j];
      damping[i] = next_damping(damping[i], gain);
      if (!(gain > 0)) continue;
      copy(trial, best, i, points.dim);
      at_best[i] = std::move(locals[j]);
    }
    active = std::move(moving);
  }
  Optimum optimum{std::move(best), {}};
  for (const Local& local : at_best) optimum.ima_minus_elbo.push_back(local.value);
  return optimum;
}

}  // namespace elbow
