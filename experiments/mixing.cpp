#include "experiments/mixing.h"

#include <cmath>

#include "engine/forward_mode.h"
#include "engine/ops.h"
#include "engine/random.h"
#include "models/activation.h"

namespace elbow {
namespace {

constexpr std::uint32_t orthogonal_layer_count = 3;

/// What the layers so far make of z: x, log abs det of their Jacobian, (samples), and the Jacobian, (samples, dim, dim).
struct Layers {
  Variable x;
  Variable log_slope;
  Variable jacobian;

  /// s(t), the smooth LeakyReLU.
  void bend() {
    const Variable slopes = leaky_slope + (1 - leaky_slope) * sigmoid(x);
    log_slope = log_slope + sum(logarithm(slopes), 1);
    jacobian = reshape(slopes, {slopes.shape()[0], slopes.shape()[1], 1}) * jacobian;
    x = smooth_leaky_relu(x, leaky_slope);
  }
  void rotate(const Tensor& q) {
    jacobian = matmul(Variable(q), jacobian);
    x = matmul(x, transpose(Variable(q)));
  }
};

}  // namespace

Tensor random_orthogonal(std::uint64_t seed, std::uint32_t number, Index dim) {
  std::vector<double> q =
      normal({seed, Stream::mixing, number}, dim, dim, DType::float64).to_vector<double>();
  for (Index row = 0; row < dim; ++row) {
    double* const v = q.data() + row * dim;
    // Twice is enough to be orthogonal to rounding (Giraud et al., 2005).
    for (int pass = 0; pass < 2; ++pass) {
      for (Index other = 0; other < row; ++other) {
        const double* const u = q.data() + other * dim;
        double product = 0;
        for (Index k = 0; k < dim; ++k) product += u[k] * v[k];
        for (Index k = 0; k < dim; ++k) v[k] -= product * u[k];
      }
    }
    double square_norm = 0;
    for (Index k = 0; k < dim; ++k) square_norm += v[k] * v[k];
    for (Index k = 0; k < dim; ++k) v[k] /= std::sqrt(square_norm);
  }
  return Tensor::from(q, {dim, dim});
}

MixedData mixed_data(Mixing mixing, std::uint64_t seed, Index samples, Index dim) {
  const NoGradient off;
  const Variable z(normal({seed, Stream::sources}, samples, dim, DType::float64));
  const Variable log_prior = -0.5 * sum(square(z), 1) - 0.5 * static_cast<double>(dim) * math::log_two_pi;
  Layers layers{z, Variable(Tensor::zeros({samples}, DType::float64)), jacobians(seeded(z).tangents)};
  if (mixing == Mixing::rotation) {
    layers.rotate(random_orthogonal(seed, 0, dim));
  } else {
    for (std::uint32_t layer = 0; layer < orthogonal_layer_count; ++layer) {
      layers.bend();
      layers.rotate(random_orthogonal(seed, layer, dim));
    }
  }
  return {z.value(), layers.x.value(), (log_prior - layers.log_slope).value().to_vector<double>(),
          layers.jacobian.value()};
}

}  // namespace elbow
