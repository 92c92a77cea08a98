#include <fmt/format.h>

#include "engine/dispatch.h"
#include "engine/ops.h"

namespace elbow {
namespace {

/// The last two axes of a tensor as a matrix, exchanged if `transposed`; the axes before them are the batch.
template <class T>
kernels::MatrixView<T> view(const Tensor& x, bool transposed, bool repeated) {
  const Index rows = x.shape()[-2];
  const Index columns = x.shape()[-1];
  return {x.data<T>(), repeated ? 0 : rows * columns, transposed ? 1 : columns, transposed ? columns : 1};
}

Shape batch_axes(const Shape& shape) {
  Shape batch;
  for (int axis = 0; axis < shape.rank() - 2; ++axis) batch.append(shape[axis]);
  return batch;
}

Index batch_of(const Shape& shape) { return batch_axes(shape).count(); }

/// The product's shape; throws if the operands do not fit.
Shape product_shape(const Shape& left, bool left_transposed, const Shape& right, bool right_transposed) {
  const bool matrices = left.rank() >= 2 && right.rank() >= 2;
  if (!matrices || left[left_transposed ? -2 : -1] != right[right_transposed ? -1 : -2]) {
    throw UsageError(fmt::format("[matmul] expected (..., m, k) and (..., k, n), got {}{} and {}{}",
                                 to_string(left), left_transposed ? " transposed" : "", to_string(right),
                                 right_transposed ? " transposed" : ""));
  }
  Shape shape = broadcast("matmul", batch_axes(left), batch_axes(right));
  for (const Shape& operand : {left, right}) {
    const Index batch = batch_of(operand);
    if (batch == shape.count() || batch == 1) continue;
    throw UsageError(fmt::format("[matmul] expected equal batches or one matrix for all, got {} and {}",
                                 to_string(left), to_string(right)));
  }
  shape.append(left[left_transposed ? -1 : -2]);
  shape.append(right[right_transposed ? -2 : -1]);
  return shape;
}

/// result (+)= left right.
void multiply_into(Tensor& result, const Tensor& left, bool left_transposed, const Tensor& right,
                   bool right_transposed, bool accumulate) {
  const Index batch = batch_of(result.shape());
  with_type(left.dtype(), [&]<class T>() {
    run(left.device(),
        kernels::Matmul<T>{batch, result.shape()[-2], left.shape()[left_transposed ? -2 : -1],
                           result.shape()[-1], view<T>(left, left_transposed, batch_of(left.shape()) == 1),
                           view<T>(right, right_transposed, batch_of(right.shape()) == 1), result.data<T>(),
                           accumulate});
  });
}

/// left right with either operand transposed: closed under differentiation, no copies.
Variable product(const Variable& left, bool left_transposed, const Variable& right, bool right_transposed) {
  expect_alike("matmul", left.value(), right.value());
  Tensor result(product_shape(left.shape(), left_transposed, right.shape(), right_transposed), left.dtype(),
                left.device());
  multiply_into(result, left.value(), left_transposed, right.value(), right_transposed, false);
  return operation("matmul", result, {left, right},
                   [left_transposed, right_transposed](const Backward& b) -> Gradients {
                     const Variable& left = b.input(0);
                     const Variable& right = b.input(1);
                     const Variable gradient = b.gradient();
                     Gradients gradients(2);
                     if (b.wanted(0)) {
                       gradients[0] = left_transposed ? product(right, right_transposed, gradient, true)
                                                      : product(gradient, false, right, !right_transposed);
                       gradients[0] = sum_to(gradients[0], left.shape());
                     }
                     if (b.wanted(1)) {
                       gradients[1] = right_transposed ? product(gradient, true, left, left_transposed)
                                                       : product(left, !left_transposed, gradient, false);
                       gradients[1] = sum_to(gradients[1], right.shape());
                     }
                     return gradients;
                   });
}

}  // namespace

Variable matmul(const Variable& left, const Variable& right) { return product(left, false, right, false); }

Variable linear(const Variable& x, const Variable& weight, const Variable& bias) {
  expect_alike("linear", x.value(), weight.value());
  expect_alike("linear", x.value(), bias.value());
  if (x.shape().rank() != 2 || weight.shape().rank() != 2 || x.shape()[1] != weight.shape()[1]) {
    throw UsageError(fmt::format("[linear] expected x (batch, in) and weight (out, in), got {} and {}",
                                 to_string(x.shape()), to_string(weight.shape())));
  }
  expect_shape("linear", "bias", bias.value(), {weight.shape()[0]});
  Tensor result = broadcast_to(bias.detached(), {x.shape()[0], weight.shape()[0]}).value();
  multiply_into(result, x.value(), false, weight.value(), true, true);
  return operation("linear", result, {x, weight, bias}, [](const Backward& b) -> Gradients {
    const Variable gradient = b.gradient();
    return {b.wanted(0) ? product(gradient, false, b.input(1), false) : Variable(),
            b.wanted(1) ? product(gradient, true, b.input(0), false) : Variable(),
            b.wanted(2) ? sum(gradient, 0) : Variable()};
  });
}

}  // namespace elbow
