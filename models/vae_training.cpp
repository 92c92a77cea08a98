#include "models/vae_training.h"

#include <fmt/format.h>

#include <cmath>

namespace elbow {
double total(const Variable& x) {
  double sum = 0;
  for (double value : x.value().to_vector<double>()) sum += value;
  return sum;
}

VaeTraining::VaeTraining(const Vae& vae, const VaeTrainingConfig& config, const Split& data)
    : Training(vae.layout(), vae.initial_parameters(config.seed, data.train.dtype(), data.train.device()),
               config, data),
      vae_(vae),
      given_precision_(config.precision),
      precision_(config.precision * data_scale() * data_scale()),
      beta_(config.beta) {
  if (!(config.precision > 0) || !std::isfinite(config.precision)) {
    throw UsageError(fmt::format("gamma^2: expected a finite number above 0, got {}", config.precision));
  }
  if (config.trainer == Trainer::autograd) return;
  obstacle_ = FusedSteps::obstacle(vae, config.batch, data.train.dtype(), device());
  if (!obstacle_.empty()) return;
  fused_.emplace(vae, this->parameters(), config, precision_, beta_, scaled(data.validation));
}

std::string VaeTraining::remark() const {
  return obstacle_.empty()
             ? ""
             : fmt::format("steps are made on the tape, not by the fused trainer: {}", obstacle_);
}

Variable VaeTraining::loss(const Tensor& observations) const {
  const Tensor noise =
      normal({config().seed, Stream::training_noise, static_cast<std::uint32_t>(steps())},
             observations.shape()[0], vae_.config().latent_dim, observations.dtype(), observations.device());
  const Elbo elbo = vae_.elbo(parameters(), Variable(observations), noise, precision_);
  return mean(elbo.reconstruction + (beta_ == 1 ? elbo.kl : beta_ * elbo.kl));
}

MeanElbo VaeTraining::evaluate(const Parameters& parameters, const Tensor& observations, Stream stream,
                               std::uint32_t draw) const {
  const NoGradient off;
  ElboSums sums = {};
  for_chunks(observations, [&](const Tensor& chunk, Index first) {
    const Tensor noise = normal({config().seed, stream, draw, static_cast<std::uint32_t>(first)},
                                chunk.shape()[0], vae_.config().latent_dim, chunk.dtype(), chunk.device());
    const Elbo elbo = vae_.elbo(parameters, Variable(chunk), noise, precision_);
    sums.reconstruction += total(elbo.reconstruction);
    sums.kl += total(elbo.kl);
  });
  return mean_elbo(sums, observations.shape()[0]);
}

MeanElbo VaeTraining::mean_elbo(const ElboSums& sums, Index samples) const {
  const auto count = static_cast<double>(samples);
  // p(x) = p(x / s) / s^D: back to the units of the data.
  const double units = static_cast<double>(vae_.config().observation_dim) * std::log(data_scale());
  MeanElbo result;
  result.reconstruction = sums.reconstruction / count + units;
  result.kl = sums.kl / count;
  result.neg_elbo = result.reconstruction + beta_ * result.kl;
  return result;
}

std::vector<double> VaeTraining::validation(const Tensor& observations) const {
  const bool is_made = fused_ && fused_->validated() && fused_->validated()->epoch == epoch();
  const MeanElbo found = is_made ? mean_elbo(*fused_->validated(), observations.shape()[0])
                                 : evaluate(parameters(), observations, Stream::validation_noise,
                                            static_cast<std::uint32_t>(epoch()));
  return {found.neg_elbo, found.reconstruction, found.kl};
}

std::string VaeTraining::identity() const {
  return fmt::format("seed {}, gamma^2 {:g}", config().seed, given_precision_);
}

}  // namespace elbow
