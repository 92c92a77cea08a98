#include <fmt/format.h>

#include "engine/dispatch.h"
#include "engine/ops.h"
#include "kernels/slogdet.h"

namespace elbow {
namespace {

enum Output { sign, log_abs, state, inverse };

/// The outputs of the kernel, one node: (...), (...), (...) and with `inverted` (..., n, n) of a matrix (..., n, n).
///
/// With B = A^-T, d log abs det A = <B, dA> and dB = -B dA^T B, so the gradient with respect to A is
///   g B - B G^T B    for gradients g of log abs det A and G of B
/// (Petersen & Pedersen, The Matrix Cookbook, 2012, equations 43 and 59). It is made of operations on B itself and can
/// be differentiated any number of times.
Variables factor(const char* name, const Variable& matrix, bool inverted) {
  const Shape& shape = matrix.shape();
  const Index n = shape.rank() >= 2 ? shape[-1] : 0;
  if (n == 0 || shape[-2] != n) {
    throw UsageError(
        fmt::format("[{}] expected (..., n, n) with n at least 1, got {}", name, to_string(shape)));
  }
  Shape batch;
  for (int axis = 0; axis < shape.rank() - 2; ++axis) batch.append(shape[axis]);
  PoolVector<Tensor> values;
  for (const Output output : {sign, log_abs, state, inverse}) {
    if (output == inverse && !inverted) break;
    values.emplace_back(output == inverse ? shape : batch, matrix.dtype(), matrix.device());
  }
  const Index needed =
      matrix.device() == Device::cpu ? 0 : kernels::slogdet_workspace(batch.count(), n, inverted);
  const Tensor workspace = needed > 0 ? Tensor({needed}, DType::float64, matrix.device()) : Tensor();
  with_type(matrix.dtype(), [&]<class T>() {
    run(matrix.device(),
        kernels::Slogdet<T>{batch.count(), n, matrix.value().data<T>(), values[sign].data<T>(),
                            values[log_abs].data<T>(), values[state].data<T>(),
                            inverted ? values[inverse].data<T>() : nullptr,
                            needed > 0 ? workspace.data<double>() : nullptr});
  });
  return operation(name, std::move(values), {matrix}, [](const Backward& b) -> Gradients {
    const Variable matrix_inverse = b.output(inverse);
    Shape column = b.output(log_abs).shape();
    for (int axis = 0; axis < 2; ++axis) column.append(1);
    Variable gradient;
    if (b.arrived(log_abs)) gradient = reshape(b.gradient(log_abs), column) * matrix_inverse;
    if (b.arrived(inverse)) {
      const Variable through_inverse =
          matmul(matmul(matrix_inverse, transpose(b.gradient(inverse))), matrix_inverse);
      gradient = gradient.defined() ? gradient - through_inverse : -through_inverse;
    }
    return {gradient};
  });
}

}  // namespace

LogDeterminant slogdet(const Variable& matrix) {
  const Variables outputs = factor("slogdet", matrix, is_recording() && matrix.requires_gradient());
  return {outputs[sign], outputs[log_abs], outputs[state].value()};
}

Variable inverse_transpose(const Variable& matrix) {
  return factor("inverse_transpose", matrix, true)[inverse];
}

}  // namespace elbow
