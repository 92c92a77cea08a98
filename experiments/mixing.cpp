#include "experiments/mixing.h"

#include <cmath>

#include "engine/activation.h"
#include "engine/forward_mode.h"
#include "engine/ops.h"
#include "engine/random.h"

namespace elbow {
namespace {

constexpr std::uint32_t orthogonal_layer_count = 3;

/// s(t), and log s'(t) added per sample to `log_slope`.
Variable smooth_layer(const Variable& h, Variable& log_slope) {
  const Variable slopes = leaky_slope + (1 - leaky_slope) * sigmoid(h);
  log_slope = log_slope + sum(logarithm(slopes), 1);
  return smooth_leaky_relu(h, leaky_slope);
}

Dual smooth_layer(const Dual& h) {
  return elementwise(h, [](const Variable& x) { return smooth_leaky_relu(x, leaky_slope); });
}

Tensor jacobian(Mixing mixing, std::uint64_t seed, const Tensor& sources) {
  const NoGradient off;
  const Index dim = sources.shape()[1];
  const Variable no_bias(Tensor::zeros({dim}, DType::float64));
  const auto rotated = [&](const Dual& h, std::uint32_t number) {
    return linear(h, Variable(random_orthogonal(seed, number, dim)), no_bias);
  };
  Dual h = seeded(Variable(sources));
  if (mixing == Mixing::rotation) return jacobians(rotated(h, 0).tangents).value();
  for (std::uint32_t layer = 0; layer < orthogonal_layer_count; ++layer) h = rotated(smooth_layer(h), layer);
  return jacobians(h.tangents).value();
}

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
  const auto rotated = [&](const Variable& h, std::uint32_t number) {
    return matmul(h, transpose(Variable(random_orthogonal(seed, number, dim))));
  };
  Variable log_slope(Tensor::zeros({samples}, DType::float64));
  Variable x = z;
  if (mixing == Mixing::rotation) {
    x = rotated(z, 0);
  } else {
    for (std::uint32_t layer = 0; layer < orthogonal_layer_count; ++layer) {
      x = rotated(smooth_layer(x, log_slope), layer);
    }
  }
  return {z.value(), x.value(), (log_prior - log_slope).value().to_vector<double>(),
          [mixing, seed](const Tensor& sources) { return jacobian(mixing, seed, sources); }};
}

}  // namespace elbow
