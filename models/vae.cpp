#include "models/vae.h"

#include <fmt/format.h>

namespace elbow {
namespace {

const VaeConfig& checked(const VaeConfig& config) {
  const auto at_least_one = [](const char* what, Index value) {
    if (value < 1) throw UsageError(fmt::format("{}: expected at least 1, got {}", what, value));
  };
  at_least_one("observation dimension", config.observation_dim);
  at_least_one("latent dimension", config.latent_dim);
  at_least_one("layers", config.layers);
  at_least_one("hidden", config.hidden);
  if (config.learned_prior && config.prior != kernels::Prior::gaussian) {
    throw UsageError("learned prior: expected the Gaussian prior, whose variances can be learned");
  }
  if (config.decoder && (config.decoder->inputs() != config.latent_dim ||
                         config.decoder->outputs() != config.observation_dim)) {
    throw UsageError(fmt::format("given decoder: expected one from {} to {} dimensions, got {} to {}",
                                 config.latent_dim, config.observation_dim, config.decoder->inputs(),
                                 config.decoder->outputs()));
  }
  return config;
}

/// The fixed prior's parameter rows: N(0, 1), U(0, 1), Beta(1, 1) or Laplace(0, 1).
Tensor fixed_prior(const VaeConfig& config, DType dtype, Device device) {
  const double value = config.prior == kernels::Prior::beta ? 1 : 0;
  return Tensor::full({2, config.latent_dim}, dtype, value, device);
}

}  // namespace

Vae::Vae(const VaeConfig& config)
    : config_(checked(config)), encoder_(layout_, "encoder", encoder_widths(config), config.activation) {
  if (!config.decoder) {
    decoder_.emplace(layout_, "decoder", decoder_widths(config), config.activation);
  }
  if (config.learned_prior) {
    conditioner_.emplace(layout_, "conditioner", conditioner_widths(config), config.activation);
  }
}

std::vector<Index> Vae::encoder_widths(const VaeConfig& c) {
  return mlp_widths(c.observation_dim, c.hidden, c.layers, 2 * c.latent_dim);
}
std::vector<Index> Vae::decoder_widths(const VaeConfig& c) {
  return c.decoder ? c.decoder->widths() : mlp_widths(c.latent_dim, c.hidden, c.layers, c.observation_dim);
}
std::vector<Index> Vae::conditioner_widths(const VaeConfig& c) {
  return mlp_widths(1, 4 * c.latent_dim, c.layers, c.latent_dim);
}

Parameters Vae::initial_parameters(std::uint64_t seed, DType dtype, Device device) const {
  Parameters parameters(layout_, dtype, device);
  encoder_.initialise(parameters, seed);
  if (decoder_) decoder_->initialise(parameters, seed);
  if (conditioner_) conditioner_->initialise(parameters, seed);
  return parameters;
}

Variable Vae::encode(const Parameters& parameters, const Variable& observation) const {
  return encoder_(parameters, observation);
}

Variable Vae::prior_parameters(const Parameters& parameters) const {
  const DType dtype = parameters.flat().dtype();
  const Device device = parameters.flat().device();
  if (!conditioner_) return Variable(fixed_prior(config_, dtype, device));
  const Variable log_variances =
      (*conditioner_)(parameters, Variable(Tensor::full({1, 1}, dtype, 1, device)));
  return concatenate({log_variances, Variable(Tensor::zeros({1, config_.latent_dim}, dtype, device))}, 0);
}

Elbo Vae::elbo(const Parameters& parameters, const Variable& observation, const Tensor& noise,
               double precision) const {
  const auto [latent, kl] = elbo_latent(encode(parameters, observation), prior_parameters(parameters), noise,
                                        config_.prior, config_.kl_form);
  const Variable decoded = decode(parameters, latent);
  return {latent, decoded, elbo_reconstruction(observation, decoded, precision), kl};
}

}  // namespace elbow
