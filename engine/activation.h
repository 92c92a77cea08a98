#pragma once
// The activations of multi-layer perceptrons, by name.
#include <string>
#include <string_view>
#include <vector>

#include "engine/variable.h"
#include "kernels/activations.h"

namespace elbow {

using kernels::Activation;

/// The negative slope of both leaky ReLUs, as in the paper.
inline constexpr double leaky_slope = 0.2;

Variable activate(Activation, const Variable& x);

std::string_view name(Activation);
/// Every name, in the order of the enumeration.
const std::vector<std::string>& activation_names();
/// Throws UsageError listing the names.
Activation activation_named(std::string_view name);

}  // namespace elbow
