#include "models/fixed_mlp.h"

#include <fmt/format.h>

namespace elbow {
namespace {

std::vector<Index> widths_of(const std::vector<Tensor>& weights) {
  if (weights.empty()) throw UsageError("fixed MLP: expected at least one weight, got none");
  std::vector<Index> widths;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const Shape& shape = weights[i].shape();
    if (shape.rank() != 2 || (i > 0 && shape[1] != widths.back())) {
      throw UsageError(fmt::format("fixed MLP: expected weight {} of shape (out, {}), got {}", i,
                                   i == 0 ? "in" : std::to_string(widths.back()), to_string(shape)));
    }
    if (i == 0) widths.push_back(shape[1]);
    widths.push_back(shape[0]);
  }
  return widths;
}

}  // namespace

FixedMlp::FixedMlp(const std::vector<Tensor>& weights, Activation activation, DType dtype, Device device)
    : widths_(widths_of(weights)),
      network_(layout_, "fixed", widths_, activation),
      parameters_(layout_, dtype, device) {
  for (std::size_t i = 0; i < weights.size(); ++i) {
    parameters_.assign(network_.weight(i), weights[i].to(dtype));
  }
}

}  // namespace elbow
