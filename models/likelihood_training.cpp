#include "models/likelihood_training.h"

#include <fmt/format.h>

#include <cmath>
#include <numeric>

#include "engine/ops.h"

namespace elbow {
namespace {

/// c_IMA of the inverses of Jacobians (batch, dim, dim), (batch).
Variable c_ima_of_inverse(const Variable& jacobian) {
  return c_ima(tangents(transpose(inverse_transpose(jacobian))));
}

void append(std::vector<double>& all, const Variable& part) {
  const std::vector<double> values = part.value().to_vector<double>();
  all.insert(all.end(), values.begin(), values.end());
}

double mean_of(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
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

MappedSamples LikelihoodTraining::mapped(const Parameters& parameters, const Tensor& observations) const {
  const NoGradient off;
  MappedSamples all;
  for_chunks(observations, [&](const Tensor& chunk, Index) {
    const Dual mapped = map_.map(parameters, seeded(Variable(chunk)));
    const Variable jacobian = jacobians(mapped.tangents);
    const LogDeterminant found = slogdet(jacobian);
    append(all.latent, mapped.primal);
    append(all.log_likelihood, found.log_abs);
    append(all.sign, found.sign);
    append(all.c_ima, c_ima_of_inverse(jacobian));
  });
  // p(x) = p(x / s) / s^D: back to the units of the data.
  const double units = static_cast<double>(observations.shape()[1]) * std::log(data_scale());
  for (double& log_likelihood : all.log_likelihood) log_likelihood -= units;
  return all;
}

std::vector<double> LikelihoodTraining::validation(const Tensor& observations) const {
  const MappedSamples all = mapped(parameters(), observations);
  const double neg_log_likelihood = -mean_of(all.log_likelihood);
  const double contrast = mean_of(all.c_ima);
  // Without the weight, an infinite contrast of a fold is not in the loss.
  const double loss = lambda_ == 0 ? neg_log_likelihood : neg_log_likelihood + lambda_ * contrast;
  return {loss, neg_log_likelihood, contrast};
}

std::string LikelihoodTraining::identity() const {
  return fmt::format("seed {}, lambda {:g}", config().seed, lambda_);
}

}  // namespace elbow
