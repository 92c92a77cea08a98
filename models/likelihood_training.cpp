#include "models/likelihood_training.h"

#include <fmt/format.h>

#include <cmath>

#include "engine/ops.h"

namespace elbow {
namespace {

/// c_IMA of the inverses of Jacobians (batch, dim, dim), (batch).
Variable c_ima_of_inverse(const Variable& jacobian) {
  return c_ima(tangents(transpose(inverse_transpose(jacobian))));
}

}  // namespace

LikelihoodTraining::LikelihoodTraining(const LatentMap& map, const LikelihoodTrainingConfig& config,
                                       const Split& data)
    : Training(map.layout, map.initial_parameters(config.seed, data.train.dtype(), data.train.device()),
               config, data),
      map_(map),
      lambda_(config.lambda) {
  if (!(config.lambda >= 0) || !std::isfinite(config.lambda)) {
    throw UsageError(fmt::format("lambda: expected a finite number of at least 0, got {}", config.lambda));
  }
}

Variable LikelihoodTraining::loss(const Tensor& observations) const {
  const Variable jacobian = jacobians(map_.map(parameters(), seeded(Variable(observations))).tangents);
  const Variable neg_log_likelihood = -slogdet(jacobian).log_abs;
  if (lambda_ == 0) return mean(neg_log_likelihood);
  return mean(neg_log_likelihood + lambda_ * c_ima_of_inverse(jacobian));
}

std::vector<double> LikelihoodTraining::latents(const Parameters& parameters,
                                                const Tensor& observations) const {
  const NoGradient off;
  std::vector<double> all;
  for_chunks(observations, [&](const Tensor& chunk, Index) {
    const auto part = map_.map(parameters, seeded(Variable(chunk))).primal.value().to_vector<double>();
    all.insert(all.end(), part.begin(), part.end());
  });
  return all;
}

std::vector<LikelihoodSample> LikelihoodTraining::samples(const Parameters& parameters,
                                                          const Tensor& observations) const {
  const NoGradient off;
  // p(x) = p(x / s) / s^D: back to the units of the data.
  const double units = static_cast<double>(observations.shape()[1]) * std::log(data_scale());
  std::vector<LikelihoodSample> all;
  for_chunks(observations, [&](const Tensor& chunk, Index) {
    const Variable jacobian = jacobians(map_.map(parameters, seeded(Variable(chunk))).tangents);
    const LogDeterminant found = slogdet(jacobian);
    const std::vector<double> log_abs = found.log_abs.value().to_vector<double>();
    const std::vector<double> sign = found.sign.value().to_vector<double>();
    const std::vector<double> contrast = c_ima_of_inverse(jacobian).value().to_vector<double>();
    for (std::size_t i = 0; i < sign.size(); ++i) {
      all.push_back({log_abs[i] - units, contrast[i], sign[i] < 0});
    }
  });
  return all;
}

std::vector<double> LikelihoodTraining::validation(const Tensor& observations) const {
  double log_likelihood = 0, contrast = 0;
  for (const LikelihoodSample& sample : samples(parameters(), observations)) {
    log_likelihood += sample.log_likelihood;
    contrast += sample.c_ima;
  }
  const auto count = static_cast<double>(observations.shape()[0]);
  log_likelihood /= count;
  contrast /= count;
  // Without the weight, an infinite contrast of a fold is not in the loss.
  const double loss = lambda_ == 0 ? -log_likelihood : -log_likelihood + lambda_ * contrast;
  return {loss, -log_likelihood, contrast};
}

std::string LikelihoodTraining::identity() const {
  return fmt::format("seed {}, lambda {:g}", config().seed, lambda_);
}

}  // namespace elbow
