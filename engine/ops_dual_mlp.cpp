#include <fmt/format.h>

#include "engine/dispatch.h"
#include "engine/forward_mode.h"
#include "engine/twin.h"
#include "kernels/dual_mlp.h"

namespace elbow {
namespace {

Index layers_of(const Variables& parameters) { return static_cast<Index>(parameters.size() / 2); }

void expect_layers(const Dual& x, const Variables& parameters) {
  if (parameters.empty() || parameters.size() % 2 != 0) {
    throw UsageError(fmt::format("[dual_mlp] expected a weight and a bias for each layer, got {} parameters",
                                 parameters.size()));
  }
  const Shape& primal = x.primal.shape();
  const Shape& tangents = x.tangents.shape();
  if (primal.rank() != 2 || tangents.rank() != 3 || tangents[1] != primal[0] || tangents[2] != primal[1]) {
    throw UsageError(
        fmt::format("[dual_mlp] expected a value (batch, in) and tangents (d, batch, in), got {} and {}",
                    to_string(primal), to_string(tangents)));
  }
  expect_alike("dual_mlp", x.primal.value(), x.tangents.value());
  Index width = primal[1];
  for (Index i = 0; i < layers_of(parameters); ++i) {
    const Tensor& weight = parameters[2 * i].value();
    const Tensor& bias = parameters[2 * i + 1].value();
    expect_alike("dual_mlp", x.primal.value(), weight);
    expect_alike("dual_mlp", x.primal.value(), bias);
    if (weight.shape().rank() != 2 || weight.shape()[1] != width) {
      throw UsageError(fmt::format("[dual_mlp] expected weight {} of shape (out, {}), got {}", i, width,
                                   to_string(weight.shape())));
    }
    width = weight.shape()[0];
    expect_shape("dual_mlp", "bias", bias, {width});
  }
}

template <class T>
kernels::DualMlp<T> arguments(const Dual& x, const Variables& parameters, Activation activation) {
  kernels::DualMlp<T> a{};
  a.batch = x.primal.shape()[0];
  a.directions = x.tangents.shape()[0];
  a.layers = layers_of(parameters);
  a.widths[0] = x.primal.shape()[1];
  for (Index i = 0; i < a.layers; ++i) {
    a.widths[i + 1] = parameters[2 * i].shape()[0];
    a.weights[i] = parameters[2 * i].value().data<T>();
    a.biases[i] = parameters[2 * i + 1].value().data<T>();
  }
  a.activation = activation;
  a.slope = leaky_slope;
  a.input = x.primal.value().data<T>();
  a.tangents = x.tangents.value().data<T>();
  return a;
}

/// The gradients by all inputs, through the twin: no kernel has them.
Gradients through_unfused(const Backward& b, Index layers, Activation activation) {
  const Recording on;
  Variables inputs;
  for (int i = 0; i < 2 + 2 * layers; ++i) inputs.push_back(alias(b.input(i)));
  const Dual twin =
      dual_mlp_unfused({inputs[0], inputs[1]}, Variables(inputs.begin() + 2, inputs.end()), activation);
  return through_twin(b, {twin.primal, twin.tangents}, inputs);
}

}  // namespace

Dual dual_mlp(const Dual& x, const Variables& parameters, Activation activation) {
  expect_layers(x, parameters);
  const Index layers = layers_of(parameters);
  if (layers > kernels::dual_mlp_most_layers) return dual_mlp_unfused(x, parameters, activation);
  const Index batch = x.primal.shape()[0], width = parameters.back().shape()[0];
  const DType dtype = x.primal.dtype();
  PoolVector<Tensor> values;
  values.emplace_back(Shape{batch, width}, dtype, x.primal.device());
  values.emplace_back(Shape{x.tangents.shape()[0], batch, width}, dtype, x.primal.device());
  with_real_type("dual_mlp", dtype, [&]<class T>() {
    kernels::DualMlp<T> a = arguments<T>(x, parameters, activation);
    const Tensor workspace({kernels::dual_mlp_workspace(a)}, dtype, x.primal.device());
    a.output = values[0].data<T>();
    a.output_tangents = values[1].data<T>();
    a.workspace = workspace.data<T>();
    run(x.primal.device(), a);
  });
  Variables inputs{x.primal, x.tangents};
  inputs.insert(inputs.end(), parameters.begin(), parameters.end());
  const Variables outputs =
      operation("dual_mlp", std::move(values), std::move(inputs),
                [layers, activation](const Backward& b) { return through_unfused(b, layers, activation); });
  return {outputs[0], outputs[1]};
}

Dual dual_mlp_unfused(const Dual& x, const Variables& parameters, Activation activation) {
  expect_layers(x, parameters);
  const auto f = [activation](const Variable& a) { return activate(activation, a); };
  Dual result = x;
  for (Index i = 0; i < layers_of(parameters); ++i) {
    if (i > 0) result = elementwise(result, f);
    result = linear(result, parameters[2 * i], parameters[2 * i + 1]);
  }
  return result;
}

}  // namespace elbow
