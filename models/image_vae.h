#pragma once
// The convolutional VAE of Fig. 5: four convolutions and an MLP to the latents, and the same way back.
#include <array>

#include "models/mlp.h"
#include "models/vae.h"

namespace elbow {

struct ImageVaeConfig {
  Index height = 64;  ///< a multiple of 16, like the width: four convolutions halve it
  Index width = 64;
  Index channels = 3;
  Index latent_dim = 4;
  Index features = 32;  ///< channels of the hidden layers
  Index hidden = 256;   ///< width of the MLPs' two hidden layers
  kernels::Prior prior = kernels::Prior::beta;
  bool learned_prior =
      true;  ///< Beta only: Beta(2 + |a|, 2 + |b|) with a and b of its own for each latent, as the authors
  std::array<double, 2> beta_parameters = {1, 1};  ///< of a Beta prior that is not learned, above 0

  Index observation_dim() const { return height * width * channels; }
};

class ImageVae {
 public:
  /// Throws UsageError for an image whose sides are no multiples of 16, extents below 1, or a learned prior that is not Beta.
  explicit ImageVae(const ImageVaeConfig& config);

  const ImageVaeConfig& config() const { return config_; }
  const ParameterLayout& layout() const { return layout_; }
  /// Weights uniform within +-sqrt(6 / fan in) where a ReLU follows (He et al., 2015), Xavier-uniform where none does.
  Parameters initial_parameters(std::uint64_t seed, DType dtype, Device device = Device::cpu) const;

  /// Posterior means and log variances mu | log sigma^2, (batch, 2 latent_dim), in the unsquashed coordinate, of images
  /// (batch, observation_dim) with values in [0, 1].
  Variable encode(const Parameters&, const Variable& images) const;
  /// f(z), (batch, observation_dim), with its Jacobian for a Dual.
  Variable decode(const Parameters&, const Variable& latent) const;
  Dual decode(const Parameters&, const Dual& latent) const;
  /// Its two halves, the MLP and the transposed convolutions: features (batch, height / 16, width / 16, features) of many latents
  /// at a time, images of few, whose tangents then stay in a cache.
  Dual features(const Parameters&, const Dual& latent) const;
  Dual image(const Parameters&, const Dual& features) const;
  /// The two parameter rows of kernels/priors.h, (2, latent_dim).
  Variable prior_parameters(const Parameters&) const;
  /// Of images (batch, observation_dim) in bytes; `noise` (batch, latent_dim) standard normal; `precision` gamma^2 > 0. The
  /// posterior has `added_variance` >= 0 beyond the encoder's sigma^2.
  Elbo elbo(const Parameters&, const Tensor& pixels, const Tensor& noise, double precision,
            double added_variance = 0) const;

 private:
  struct Layer {
    int weight;
    int bias;
  };
  static constexpr int layers = 4;

  template <class Value>
  Value features_of(const Parameters&, const Value& latent) const;
  template <class Value>
  Value image_of(const Parameters&, Value features) const;

  ImageVaeConfig config_;
  ParameterLayout layout_;
  std::array<Layer, layers> convolutions_;  // from the image on
  Mlp encoder_;
  Mlp decoder_;
  std::array<Layer, layers> transposed_;  // to the image
  int prior_ = -1;                        // a and b, (2, latent_dim)
};

}  // namespace elbow
