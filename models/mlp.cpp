#include "models/mlp.h"

#include <fmt/format.h>

#include <cmath>

#include "engine/ops.h"

namespace elbow {
namespace {

Variable apply(Activation activation, const Variable& x) { return activate(activation, x); }

Dual apply(Activation activation, const Dual& x) {
  return elementwise(x, [activation](const Variable& primal) { return activate(activation, primal); });
}

}  // namespace

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

template <class Value>
static Value forward(const auto& layers, Activation activation, const Parameters& parameters, Value x) {
  for (std::size_t i = 0; i < layers.size(); ++i) {
    if (i > 0) x = apply(activation, x);
    x = linear(x, parameters[layers[i].weight], parameters[layers[i].bias]);
  }
  return x;
}

Variable Mlp::operator()(const Parameters& parameters, const Variable& x) const {
  return forward(layers_, activation_, parameters, x);
}

Dual Mlp::operator()(const Parameters& parameters, const Dual& x) const {
  return forward(layers_, activation_, parameters, x);
}

std::vector<Index> mlp_widths(Index in, Index hidden, Index layers, Index out) {
  std::vector<Index> widths(static_cast<std::size_t>(layers) + 1, hidden);
  widths.front() = in;
  widths.back() = out;
  return widths;
}

}  // namespace elbow
