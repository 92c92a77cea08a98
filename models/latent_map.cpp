#include "models/latent_map.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <memory>

#include "engine/ops.h"
#include "models/mlp.h"

namespace elbow {
namespace {

constexpr int halvings = 6;  // (W^T W)^(2^6)

Dual sine(const Dual& x) {
  return elementwise(x, [](const Variable& primal) { return sine(primal); });
}

Dual sigmoid(const Dual& x) {
  return elementwise(x, [](const Variable& primal) { return sigmoid(primal); });
}

/// Of each matrix of a batch, (count, 1, 1).
Variable sum_of_squares(const Variable& matrices) {
  return reshape(sum(sum(square(matrices), 2), 1), {matrices.shape()[0], 1, 1});
}

class ResidualFlow {
 public:
  ResidualFlow(Index dim, Index blocks, Index hidden, double norm) : blocks_(blocks), norm_(norm) {
    const Index widths[] = {dim, hidden, hidden, dim};
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      layers_[i].weight =
          layout_.add(fmt::format("blocks.fc.{}.weight", i), {blocks, widths[i + 1], widths[i]});
      layers_[i].bias = layout_.add(fmt::format("blocks.fc.{}.bias", i), {blocks, widths[i + 1]});
    }
    head_.weight = layout_.add("head.weight", {dim, dim});
    head_.bias = layout_.add("head.bias", {dim});
  }

  const ParameterLayout& layout() const { return layout_; }

  /// Weights and biases U(+-1 / sqrt(fan in)); the affine layer is the identity.
  Parameters initial_parameters(std::uint64_t seed, DType dtype, Device device) const {
    Parameters parameters(layout_, dtype, device);
    for (const Layer& layer : layers_) {
      const Shape& weight = layout_.shape(layer.weight);
      const double bound = 1 / std::sqrt(static_cast<double>(weight[2]));
      for (int parameter : {layer.weight, layer.bias}) {
        const Shape& shape = layout_.shape(parameter);
        const Draw at{seed, Stream::weights, static_cast<std::uint32_t>(parameter)};
        parameters.assign(parameter, uniform(at, -bound, bound, 1, shape.count(), dtype).reshaped(shape));
      }
    }
    const Index dim = layout_.shape(head_.weight)[0];
    std::vector<double> identity(static_cast<std::size_t>(dim * dim), 0);
    for (Index i = 0; i < dim; ++i) identity[i * dim + i] = 1;
    parameters.assign(head_.weight, Tensor::from(identity, {dim, dim}).to(dtype));
    return parameters;
  }

  Dual operator()(const Parameters& parameters, Dual h) const {
    std::array<Variable, 3> weights;
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      weights[i] = bounded(parameters[layers_[i].weight], norm_);
    }
    for (Index block = 0; block < blocks_; ++block) {
      Dual residual = h;
      for (std::size_t i = 0; i < layers_.size(); ++i) {
        if (i > 0) residual = sine(residual);
        const Shape& shape = weights[i].shape();
        residual = linear(residual, reshape(slice(weights[i], 0, block, 1), {shape[1], shape[2]}),
                          reshape(slice(parameters[layers_[i].bias], 0, block, 1), {shape[1]}));
      }
      h = h + residual;
    }
    return sigmoid(linear(h, parameters[head_.weight], parameters[head_.bias]));
  }

 private:
  struct Layer {
    int weight = 0;
    int bias = 0;
  };
  Index blocks_;
  double norm_;
  ParameterLayout layout_;
  std::array<Layer, 3> layers_;  // of all blocks: (blocks, out, in) and (blocks, out)
  Layer head_;
};

}  // namespace

Variable bounded(const Variable& weights, double norm) {
  const Shape& shape = weights.shape();
  const bool tall = shape[1] > shape[2];
  Variable power = tall ? matmul(transpose(weights), weights) : matmul(weights, transpose(weights));
  // tr G^2 = sum of squares of a symmetric G's elements. Each power is divided by the root of the next one's trace, which
  // keeps its elements near 1: log tr G^64 = 32 log tr G^2 + 16 log tr G'^2 + ...
  Variable log_norm(Tensor::zeros({shape[0], 1, 1}, weights.dtype(), weights.device()));
  for (int i = 1; i <= halvings; ++i) {
    const Variable trace = sum_of_squares(power);
    log_norm = log_norm + std::ldexp(0.5, -i) * logarithm(trace);
    if (i < halvings) {
      const Variable unit = power / square_root(trace);
      power = matmul(unit, unit);
    }
  }
  const Variable excess = relu(exponential(log_norm) - norm);
  return weights * (norm / (norm + excess));
}

LatentMap residual_flow(Index dim, Index blocks, Index hidden, double norm) {
  if (dim < 1 || blocks < 1 || hidden < 1 || !(norm > 0 && norm < 1)) {
    throw UsageError(
        fmt::format("[residual_flow] expected dim, blocks and hidden of at least 1 and a norm in (0, 1), got "
                    "{}, {}, {} and {}",
                    dim, blocks, hidden, norm));
  }
  const auto flow = std::make_shared<ResidualFlow>(dim, blocks, hidden, norm);
  return {flow->layout(),
          [flow](std::uint64_t seed, DType dtype, Device device) {
            return flow->initial_parameters(seed, dtype, device);
          },
          [flow](const Parameters& parameters, const Dual& x) { return (*flow)(parameters, x); }};
}

LatentMap unconstrained_mlp(Index dim, Index hidden) {
  ParameterLayout layout;
  const Mlp mlp(layout, "map", mlp_widths(dim, hidden, 3, dim), Activation::gelu);
  return {layout,
          [layout, mlp](std::uint64_t seed, DType dtype, Device device) {
            Parameters parameters(layout, dtype, device);
            mlp.initialise(parameters, seed);
            return parameters;
          },
          [mlp](const Parameters& parameters, const Dual& x) { return sigmoid(mlp(parameters, x)); }};
}

}  // namespace elbow
