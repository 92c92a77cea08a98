#pragma once
// The training of a convolutional VAE on images in bytes, data-parallel over the cores.
//
// A mini-batch is cut into shares of `image_share` images. Each share has a tape of its own on whatever thread takes it, and
// the shares' gradients are added in their order: the number of threads decides time and no bit.
#include "engine/workers.h"
#include "models/image_vae.h"
#include "models/training.h"
#include "models/vae_training.h"

namespace elbow {

inline constexpr Index image_share = 8;

struct AnnealingKnot {
  double share;               ///< of all steps, 0 to 1
  double precision;           ///< gamma^2 there
  double added_variance = 0;  ///< to the posterior's: latents that are that noisy can share no factor finely
};

struct ImageVaeTrainingConfig : TrainingConfig {
  double precision = 1;  ///< gamma^2, where it ends and what validations are of
  /// The way there, from the first step on: at steps given as shares of all, 0 first, ascending. Between them gamma^2 is a
  /// geometric mean and the added variance an arithmetic one; after the last they are `precision` and 0.
  std::vector<AnnealingKnot> annealing;
  int threads = 1;  ///< of the CPU; another device takes the shares one after the other
};

class ImageVaeTraining;

/// What an experiment adds to each validation, of the present parameters.
struct ImageProbe {
  std::vector<std::string> names;
  std::function<std::vector<double>(const ImageVaeTraining&)> measure;
};

class ImageVaeTraining : public Training {
 public:
  /// `data` are uint8 pixels (samples, observation_dim) on any device. Throws UsageError for other data, and as Training.
  ImageVaeTraining(const ImageVae& vae, const ImageVaeTrainingConfig& config, const Split& data,
                   ImageProbe probe = {});

  const ImageVae& vae() const { return vae_; }
  double precision() const { return image_config_.precision; }
  /// gamma^2 and added variance of the step after `step` steps.
  AnnealingKnot annealed_at(Index step) const;

  /// Means over `images` (n, observation_dim) in bytes, in nats, the reconstruction without its constant: gamma^2 / 2
  /// |x - f|^2. Noise from `stream`, step `draw`.
  MeanElbo evaluate(const Parameters&, const Tensor& images, Stream stream, std::uint32_t draw) const;

  /// mu | log sigma^2 of each image, (n, 2 latent_dim), row-major.
  std::vector<double> encode(const Parameters&, const Tensor& images) const;
  /// J^T J of the decoder by z, (n, latent_dim, latent_dim), at latents (n, latent_dim); and the sum of J over all latents,
  /// (observation_dim, latent_dim), if it is asked for. No Jacobian of more than a few samples is ever stored.
  struct Grams {
    std::vector<double> gram;
    std::vector<double> total_jacobian;
  };
  Grams grams(const Parameters&, const std::vector<double>& latents) const;

 private:
  double differentiate(const Tensor& observations, Gradients& gradients) override;
  Variable loss(const Tensor& observations) const override;
  std::vector<double> validation(const Tensor& observations) const override;
  std::vector<std::string> validation_names() const override;
  std::string identity() const override;

  Index annealing_steps() const;
  /// The sum over these images of -ELBO / batch, with the leaves of `parameters`; the first one is sample `first` of its batch.
  Variable share_of_loss(const Parameters&, const Tensor& images, Index first, Index batch) const;

  ImageVae vae_;
  ImageVaeTrainingConfig image_config_;
  ImageProbe probe_;
  mutable Workers workers_;
  std::vector<Parameters> leaves_;  // of each share: the training's memory, tapes of their own
  std::vector<Gradients> share_gradients_;
  Parameters gradients_;  // their sums
};

}  // namespace elbow
