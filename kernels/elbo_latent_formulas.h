#pragma once
// One latent of one sample: the formulas of kernels/elbo_latent.h, shared by both twins.
#include "kernels/elbo_latent.h"
#include "kernels/math.h"

namespace elbow::kernels {

template <class T>
struct LatentTerm {
  T latent;   ///< z
  double kl;  ///< this latent's part of the KL, nats
};

template <class Density, class T>
ELBOW_HD LatentTerm<T> latent_term(KlForm form, T mu, T log_variance, T noise, T a, T b) {
  const T sigma = math::exp(T(0.5) * log_variance);
  const T y = math::fma(sigma, noise, mu);
  const T latent = Density::squashed ? math::sigmoid(y) : y;
  if (form == KlForm::closed) {
    const T ratio = (sigma * sigma + mu * mu) * math::exp(-a);
    return {latent, 0.5 * (double(ratio) + double(a) - 1.0 - double(log_variance))};
  }
  const double log_q = -0.5 * (double(log_variance) + double(noise) * double(noise) + math::log_two_pi);
  return {latent, log_q - double(Density::log_density(y, a, b))};
}

template <class T>
struct LatentTermGradient {
  T mu, log_variance, a, b;
};

template <class Density, class T>
ELBOW_HD LatentTermGradient<T> latent_term_gradient(KlForm form, T mu, T log_variance, T noise, T a, T b,
                                                    T latent_gradient, T kl_gradient) {
  const T sigma = math::exp(T(0.5) * log_variance);
  const T y = math::fma(sigma, noise, mu);
  T y_gradient = latent_gradient;
  if (Density::squashed) {
    const T z = math::sigmoid(y);
    y_gradient *= z * (T(1) - z);
  }
  if (form == KlForm::closed) {
    const T inverse_variance = math::exp(-a);
    const T square_ratio = sigma * sigma * inverse_variance;
    const T ratio = square_ratio + mu * mu * inverse_variance;
    return {y_gradient + kl_gradient * mu * inverse_variance,
            T(0.5) * (y_gradient * sigma * noise + kl_gradient * (square_ratio - T(1))),
            kl_gradient * T(0.5) * (T(1) - ratio), T(0)};
  }
  y_gradient -= kl_gradient * Density::slope(y, a, b);
  return {y_gradient, T(0.5) * (y_gradient * sigma * noise - kl_gradient),
          -kl_gradient * Density::slope_a(y, a, b), -kl_gradient * Density::slope_b(y, a, b)};
}

}  // namespace elbow::kernels
