#pragma once
// The theorem of Fig. 4 without an encoder: L_IMA - ELBO* and log p - ELBO* of known decoders against gamma^2.
#include <optional>
#include <string>
#include <vector>

#include "experiments/optimal_posterior.h"
#include "experiments/statistics.h"

namespace elbow {

/// A decoder by name and weights (see known_decoders.h), and the seed of the sources that it is looked at with.
struct KnownDecoder {
  std::string name;
  std::uint64_t seed;
  std::vector<Tensor> weights;

  FixedMlp network(DType dtype, Device device = Device::cpu) const {
    return {weights, Activation::smooth_leaky_relu, dtype, device};
  }
  /// The same for every use: encoders are looked at on the points of the curve.
  KnownPoints points(Index samples) const;
};

/// One decoder's curve; gamma2 and what stands beside it ascend.
struct OptimalCurve {
  std::string decoder;
  double c_ima = 0;        ///< C_IMA, the mean over the points, nats
  double log_density = 0;  ///< mean of log p(x), nats
  std::vector<double> gamma2;
  std::vector<std::vector<double>> ima_minus_elbo;  ///< by gamma^2, then by point, nats

  /// E[L_IMA - ELBO*] at a gamma^2; undefined where the curve has none.
  std::optional<double> mean_at(double precision) const;
  /// Least-squares slope of log abs E[L_IMA - ELBO*] over log gamma^2 from `first` on; the interval draws points,
  /// the same ones at every gamma^2.
  std::optional<Slope> slope_from(double first) const;
};

/// Curves of `decoders` over `gamma2`, on `threads` threads, each with its own decoders; incomplete once
/// stop_requested(). `label` names the progress bar.
std::vector<OptimalCurve> optimal_curves(const std::string& label, const std::vector<KnownDecoder>& decoders,
                                         const std::vector<double>& gamma2, Index samples, int threads);

/// decoder,gamma2,samples,elbo,ima_minus_elbo,loglik_minus_elbo,log_likelihood,c_ima: means over the points, nats.
std::string curves_csv(const std::vector<OptimalCurve>& curves);

}  // namespace elbow
