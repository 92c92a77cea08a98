#pragma once
// What is measured on a trained VAE whose ground truth is known: one row of runs.csv.
#include <span>
#include <vector>

#include "experiments/metrics.h"
#include "experiments/mixing.h"
#include "models/vae_training.h"

namespace elbow {

/// Whether the decoder sees the sigmoid of what the encoder's Gaussian is of.
bool squashed(kernels::Prior prior);

/// The validation part of a data set, with its truth.
struct Truth {
  Tensor sources;                   ///< (samples, dim)
  Tensor observations;              ///< (samples, dim), as trained on
  std::vector<double> log_density;  ///< log p(x), nats
  Tensor jacobian;                  ///< of the mixing at the sources, (samples, dim, dim)
};

/// A data set as it is trained on, in float32 on a device, and the truth of its validation part.
struct KnownData {
  Split observations;
  Truth truth;
};
KnownData known_data(const MixedData& data, Device device);

/// The whole set's MCC of latents (samples, dim), row-major; NaN where it is not defined.
double mcc(const Truth& truth, std::span<const double> latents, Correlation correlation);

/// Measures the best parameters of a training on the whole validation set, with fresh noise. Latents are those
/// that the decoder sees, after the sigmoid where the prior has one. sigma2, rhs12 (the right side of eq. 12, J
/// at mu(x), with the fixed prior) and their ratio are per latent and of the encoder's Gaussian, before that
/// sigmoid: means `sigma2_k`, `rhs12_k` and medians `sigma2_median_k`, `ratio12_median_k` over the samples, k
/// from 1. Warns of a latent that is constant; its correlations are NaN.
Values measure(const VaeTraining& training, const Truth& truth);

}  // namespace elbow
