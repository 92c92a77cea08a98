#include "experiments/known_decoders.h"

#include "engine/random.h"
#include "experiments/mixing.h"

namespace elbow {
namespace {

constexpr std::uint32_t layers = 3;

/// U(1/2, 3/2) on the diagonal, `above` times N(0, 1) above it.
Tensor triangular(std::uint64_t seed, std::uint32_t layer, Index dim, double above) {
  const std::vector<double> diagonal =
      uniform({seed, Stream::mixing, layer}, 0.5, 1.5, 1, dim, DType::float64).to_vector<double>();
  std::vector<double> weight =
      normal({seed, Stream::mixing, layers + layer}, dim, dim, DType::float64).to_vector<double>();
  for (Index row = 0; row < dim; ++row) {
    for (Index column = 0; column < dim; ++column) {
      double& w = weight[row * dim + column];
      w = column == row ? diagonal[row] : column > row ? above * w : 0;
    }
  }
  return Tensor::from(weight, {dim, dim});
}

}  // namespace

std::vector<Tensor> triangular_weights(std::uint64_t seed, Index dim) {
  return {triangular(seed, 0, dim, 1), triangular(seed, 1, dim, 1), triangular(seed, 2, dim, 1)};
}

std::vector<Tensor> separable_weights(std::uint64_t seed, Index dim) {
  return {triangular(seed, 0, dim, 0), triangular(seed, 1, dim, 0), random_orthogonal(seed, 2 * layers, dim)};
}

}  // namespace elbow
