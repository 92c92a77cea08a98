#pragma once
// Formulas of kernels/vae_steps.h that both twins share.
#include "kernels/elbo_latent_formulas.h"
#include "kernels/elbo_reconstruction.h"
#include "kernels/vae_steps_layout.h"

namespace elbow::kernels {

/// The prior's two parameters of latent k.
template <class T>
struct PriorParameters {
  ELBOW_HD PriorParameters(const VaeSteps<T>& steps, const VaeStepsLayout<T>& l, Index k)
      : a(steps.conditioner.layers > 0 ? l.log_variance[k * l.conditioner.columns]
                                       : steps.prior_parameters[k]),
        b(steps.conditioner.layers > 0 ? T(0) : steps.prior_parameters[steps.decoder.widths[0] + k]) {}
  T a, b;
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
