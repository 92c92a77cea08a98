#include "models/mlp.h"

#include <fmt/format.h>

#include <cmath>

#include "engine/ops.h"

namespace elbow {

Mlp::Mlp(ParameterLayout& layout, const std::string& prefix, const std::vector<Index>& widths,
         Activation activation)
    : widths_(widths), activation_(activation) {
  for (std::size_t i = 0; i + 1 < widths.size(); ++i) {
    layers_.push_back({layout.add(fmt::format("{}.fc.{}.weight", prefix, i), {widths[i + 1], widths[i]}),
                       layout.add(fmt::format("{}.fc.{}.bias", prefix, i), {widths[i + 1]})});
  }
}

void Mlp::initialise(Parameters& parameters, std::uint64_t seed) const {
  const DType dtype = parameters.flat().dtype();
  const auto draw = [&](int parameter, double bound, const Shape& shape) {
    const Draw at{seed, Stream::weights, static_cast<std::uint32_t>(parameter)};
    const Index columns = shape.rank() == 2 ? shape[1] : 1;
    parameters.assign(parameter, uniform(at, -bound, bound, shape[0], columns, dtype).reshaped(shape));
  };
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const auto in = static_cast<double>(widths_[i]);
    const auto out = static_cast<double>(widths_[i + 1]);
    draw(layers_[i].weight, std::sqrt(6 / (in + out)), {widths_[i + 1], widths_[i]});
    draw(layers_[i].bias, 1 / std::sqrt(in), {widths_[i + 1]});
  }
}

Variable Mlp::operator()(const Parameters& parameters, const Variable& x) const {
  Variable result = x;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    if (i > 0) result = activate(activation_, result);
    result = linear(result, parameters[layers_[i].weight], parameters[layers_[i].bias]);
  }
  return result;
}

Dual Mlp::operator()(const Parameters& parameters, const Dual& x) const {
  Variables own;
  for (const Layer& layer : layers_) {
    own.push_back(parameters[layer.weight]);
    own.push_back(parameters[layer.bias]);
  }
  return is_recording() ? dual_mlp_unfused(x, own, activation_) : dual_mlp(x, own, activation_);
}

std::vector<Index> mlp_widths(Index in, Index hidden, Index layers, Index out) {
  std::vector<Index> widths(static_cast<std::size_t>(layers) + 1, hidden);
  widths.front() = in;
  widths.back() = out;
  return widths;
}

}  // namespace elbow
