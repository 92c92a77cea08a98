#include "engine/activation.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "engine/ops.h"

namespace elbow {

Variable activate(Activation activation, const Variable& x) {
  switch (activation) {
    case Activation::leaky_relu:
      return leaky_relu(x, leaky_slope);
    case Activation::smooth_leaky_relu:
      return smooth_leaky_relu(x, leaky_slope);
    case Activation::relu:
      return relu(x);
    case Activation::tanh:
      return tanh(x);
    case Activation::softplus:
      return softplus(x);
    case Activation::gelu:
      return gelu(x);
    case Activation::silu:
      return silu(x);
    case Activation::identity:
      return x;
  }
  return x;
}

const std::vector<std::string>& activation_names() {
  static const std::vector<std::string> names = {
      "leaky_relu", "smooth_leaky_relu", "relu", "tanh", "softplus", "gelu", "silu", "identity"};
  return names;
}

std::string_view name(Activation activation) {
  return activation_names()[static_cast<std::size_t>(activation)];
}

Activation activation_named(std::string_view name) {
  const auto& names = activation_names();
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) {
    throw UsageError(fmt::format("activation: expected one of {}, got {}", fmt::join(names, ", "), name));
  }
  return static_cast<Activation>(found - names.begin());
}

}  // namespace elbow
