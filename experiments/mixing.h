#pragma once
// Ground truths: sources, the mixing that turns them into observations, and the exact density of what comes
// out.
#include <functional>
#include <vector>

#include "experiments/run_record.h"

namespace elbow {

/// The mixings of Fig. 2. `orthogonal_layers`: the paper's text, x = Q3 s(Q2 s(Q1 s(z))), s the smooth
/// LeakyReLU of slope 0.2, s(t) = 0.2 t + 0.8 log(1 + e^t). `rotation`: what the authors' stored results were
/// made with, x = Q z.
enum class Mixing { orthogonal_layers, rotation };

/// One data set with everything known about it. Computed in double.
struct MixedData {
  Tensor sources;       ///< z, (samples, dim), float64
  Tensor observations;  ///< x, (samples, dim), float64
  /// log p(x) per sample, noise-free: log p0(g(x)) - log abs det J(g(x)), eq. 4, in nats.
  std::vector<double> log_density;
  /// Of the mixing at sources (samples, dim), float64: (samples, dim, dim).
  std::function<Tensor(const Tensor& sources)> jacobian;
  Values properties{};  ///< of the mixing, one column of runs.csv each
};

/// A Haar-random orthogonal matrix, (dim, dim), float64: the orthonormalised rows of a Gaussian one. `number`
/// tells one seed's matrices apart.
Tensor random_orthogonal(std::uint64_t seed, std::uint32_t number, Index dim);

/// Sources z ~ N(0, I). A pure function of its arguments; the seed draws sources and mixing.
MixedData mixed_data(Mixing mixing, std::uint64_t seed, Index samples, Index dim);

}  // namespace elbow
