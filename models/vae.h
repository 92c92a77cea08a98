#pragma once
// A variational autoencoder with MLP encoder and decoder (the paper's section 2).
#include <optional>

#include "engine/ops.h"
#include "models/fixed_mlp.h"

namespace elbow {

struct VaeConfig {
  Index observation_dim = 3;
  Index latent_dim = 3;
  Index layers = 4;   ///< linear layers of encoder and of decoder, >= 1
  Index hidden = 60;  ///< width of the hidden layers
  Activation activation = Activation::leaky_relu;
  kernels::Prior prior = kernels::Prior::gaussian;
  kernels::KlForm kl_form = kernels::KlForm::sampled;
  bool learned_prior =
      false;  ///< Gaussian only: the prior N(0, v_k), log v the output of an MLP with constant input
  std::optional<FixedMlp> decoder{};  ///< given: the encoder alone has parameters
};

/// One mini-batch's ELBO (eq. 1), in nats. All per sample, (batch).
struct Elbo {
  Variable latent;          ///< the sampled z, (batch, latent_dim)
  Variable decoded;         ///< f(z), (batch, observation_dim)
  Variable reconstruction;  ///< -log p(x | z)
  Variable kl;              ///< KL(q || p0)
};

class Vae {
 public:
  /// Throws UsageError for layers, widths or dimensions below 1, a learned prior that is not Gaussian, or a
  /// given decoder of other dimensions.
  explicit Vae(const VaeConfig& config);

  const VaeConfig& config() const { return config_; }
  // Of the networks, as Mlp has them.
  static std::vector<Index> encoder_widths(const VaeConfig&);
  static std::vector<Index> decoder_widths(const VaeConfig&);
  static std::vector<Index> conditioner_widths(
      const VaeConfig&);  ///< 1 to log v, as the authors learn the prior
  const ParameterLayout& layout() const { return layout_; }
  Parameters initial_parameters(std::uint64_t seed, DType dtype, Device device = Device::cpu) const;

  /// Posterior means and log variances mu | log sigma^2, (batch, 2 latent_dim), in the unsquashed
  /// coordinate.
  Variable encode(const Parameters&, const Variable& observation) const;
  /// f(z), (batch, observation_dim), with its Jacobian for a Dual.
  template <class Value>
  Value decode(const Parameters& parameters, const Value& latent) const {
    return decoder_ ? (*decoder_)(parameters, latent) : (*config_.decoder)(latent);
  }
  /// The two parameter rows of kernels/priors.h, (2, latent_dim).
  Variable prior_parameters(const Parameters&) const;
  /// `noise` (batch, latent_dim) standard normal; `precision` gamma^2 > 0.
  Elbo elbo(const Parameters&, const Variable& observation, const Tensor& noise, double precision) const;

 private:
  VaeConfig config_;
  ParameterLayout layout_;
  Mlp encoder_;
  std::optional<Mlp> decoder_;      // none where the configuration gives one
  std::optional<Mlp> conditioner_;  // 1 to log v, as the authors learn the prior's variances
};

}  // namespace elbow
