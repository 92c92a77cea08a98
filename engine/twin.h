#pragma once
// The second order of a fused operation: its gradients through its twin made of operations, which can be differentiated
// again.
#include "engine/ops.h"

namespace elbow {

/// The same value as a node of its own: a gradient with respect to it counts the twin's use of it and nothing
/// else, while the outputs' gradients may depend on x in other ways.
inline Variable alias(const Variable& x) { return reshape(x, x.shape()); }

/// The gradients of the twin's `outputs` with respect to `inputs`, aliases that they were made of: of the sum of
/// <gradient, output> over all outputs.
inline Gradients through_twin(const Backward& b, const Variables& outputs, const Variables& inputs) {
  Variable total = sum(b.gradient(0) * outputs[0]);
  for (std::size_t i = 1; i < outputs.size(); ++i)
    total = total + sum(b.gradient(static_cast<int>(i)) * outputs[i]);
  return gradients(total, inputs, true);
}

}  // namespace elbow
