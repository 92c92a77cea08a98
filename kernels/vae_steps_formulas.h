#pragma once
// Formulas of kernels/vae_steps.h that both twins share.
#include "kernels/elbo_latent_formulas.h"
#include "kernels/elbo_reconstruction.h"
#include "kernels/vae_steps_layout.h"

namespace elbow::kernels {

/// The prior's two parameters of latent k.
template <class T>
struct PriorParameters {
  template <class Layout>
  ELBOW_HD PriorParameters(const VaeSteps<T>& steps, const Layout& l, Index k)
      : a(l.conditioner.shape.layers > 0 ? l.log_variance[k * l.conditioner.columns]
                                         : steps.prior_parameters[k]),
        b(l.conditioner.shape.layers > 0 ? T(0) : steps.prior_parameters[l.latent_dim() + k]) {}
  T a, b;
};

/// Steps from `first` on, of those of a call, that lie in one epoch and whose samples' order is drawn at once.
struct VaeStretch {
  template <class T>
  ELBOW_HD VaeStretch(const VaeSteps<T>& a, Index first) {
    const Index batches = a.samples / a.batch, batch = a.first_batch + first;
    epoch = a.epoch + static_cast<std::uint32_t>(batch / batches);
    first_batch = batch % batches;
    const Index left = a.steps - first, left_of_epoch = batches - first_batch;
    const Index count_here = left < left_of_epoch ? left : left_of_epoch;
    count = count_here < vae_steps_stretch ? count_here : vae_steps_stretch;
  }
  std::uint32_t epoch;
  Index first_batch;
  Index count;
};

/// A sum in float64 of numbers that come one after the other: of each `chunk` of them, then of those sums.
struct ChunkedSum {
  Index chunk;
  Index added = 0;
  double of_chunk = 0;
  double of_chunks = 0;
  ELBOW_HD void add(double number) {
    of_chunk += number;
    if (++added % chunk == 0) {
      of_chunks += of_chunk;
      of_chunk = 0;
    }
  }
  ELBOW_HD double total() const { return added % chunk == 0 ? of_chunks : of_chunks + of_chunk; }
};

/// The gradient of the mean loss by a sample's -log p(x | z), times gamma^2.
template <class T>
ELBOW_HD T reconstruction_factor(const VaeSteps<T>& a) {
  return static_cast<T>(1.0 / static_cast<double>(a.batch)) * static_cast<T>(a.precision);
}

/// The gradient of the mean loss by a sample's KL.
template <class T>
ELBOW_HD T kl_factor(const VaeSteps<T>& a) {
  const T share = static_cast<T>(1.0 / static_cast<double>(a.batch));
  return a.beta == 1 ? share : static_cast<T>(a.beta) * share;
}

/// Not a number counts as outside.
template <class T>
ELBOW_HD bool is_outside(T value, T largest) {
  return !(math::absolute(value) <= largest);
}

template <class T>
ELBOW_HD bool is_residual_outside(T observation, T decoded) {
  return is_outside(decoded - observation, T(vae_steps_largest));
}

}  // namespace elbow::kernels
