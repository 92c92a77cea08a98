#pragma once
// ELBO* (eq. 8) without an encoder: the mean and the variances of q(z | x) solved for each x by itself, in
// float64, with expectations by a fixed rule.
//
// With x = f(z), L_IMA (log p(x) - c_IMA) loses its determinant, and what is left of the difference is a sum
// whose large terms have gone:
//
//   L_IMA(x) - ELBO(x) = gamma^2 / 2 E|f(mu + sigma xi) - x|^2 - d / 2
//                        + 1/2 sum_k (sigma_k^2 + mu_k^2 - z_k^2) - sum_k log(sigma_k gamma |J[:,k](z)|)
//
// for as many observed as latent dimensions, d, and the prior N(0, I). Rounding leaves it 1e-12 nats at
// gamma^2 = 1e7.
#include <vector>

#include "experiments/gaussian_rule.h"
#include "models/fixed_mlp.h"

namespace elbow {

/// Observations of a known decoder f, and what the theory needs of them. All (samples, dim) or (samples).
struct KnownPoints {
  Index dim;
  std::vector<double> sources;       ///< z = g(x)
  std::vector<double> observations;  ///< x = f(z)
  std::vector<double> column_norms;  ///< |J[:,k](z)|
  std::vector<double> c_ima;         ///< nats
  std::vector<double> log_density;   ///< log p(x), noise-free (eq. 4), nats

  Index samples() const { return static_cast<Index>(log_density.size()); }
};

/// `sources` (samples, dim), float64; so is the decoder, from dim to dim.
KnownPoints known_points(const FixedMlp& decoder, const Tensor& sources);

/// q(z | x) of each x, (samples, dim).
struct Posterior {
  std::vector<double> mean;
  std::vector<double> log_sigma;
};

/// What the theory says of large gamma^2: mu = g(x), sigma^2 by eq. 12.
Posterior theoretical_posterior(const KnownPoints& points, double precision);

/// L_IMA - ELBO of each x, nats.
std::vector<double> ima_minus_elbo(const FixedMlp& decoder, const KnownPoints& points,
                                   const Posterior& posterior, double precision, const GaussianRule& rule);

struct Optimum {
  Posterior posterior;
  std::vector<double> ima_minus_elbo;  ///< L_IMA - ELBO*
};

/// Minimises L_IMA - ELBO over mu and log sigma from the theory's posterior on, by damped Gauss-Newton steps
/// (Levenberg, 1944; Marquardt, 1963), until the next one promises less than 1e-10 nats. Throws NumericalError
/// naming gamma^2 where an x does not get there.
Optimum optimal_posterior(const FixedMlp& decoder, const KnownPoints& points, double precision,
                          const GaussianRule& rule);

}  // namespace elbow
