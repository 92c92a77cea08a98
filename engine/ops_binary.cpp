#include "engine/dispatch.h"
#include "engine/ops.h"

namespace elbow {
namespace {

using kernels::BinaryFunction;

Tensor apply(const char* name, BinaryFunction function, const Variable& left, const Variable& right) {
  expect_alike(name, left.value(), right.value());
  const Shape shape = broadcast(name, left.shape(), right.shape());
  Tensor result(shape, left.dtype(), left.device());
  with_type(left.dtype(), [&]<class T>() {
    run(left.device(), kernels::Binary<T>{function, padded(shape), broadcast_strides(left.shape(), shape),
                                          broadcast_strides(right.shape(), shape), left.value().data<T>(),
                                          right.value().data<T>(), result.data<T>()});
  });
  return result;
}

/// The gradient of operand i, summed over the axes along which it was repeated.
template <class Rule>
Variable for_operand(const Backward& b, int i, Rule rule) {
  return b.wanted(i) ? sum_to(rule(), b.input(i).shape()) : Variable();
}

}  // namespace

Variable operator+(const Variable& left, const Variable& right) {
  return operation("add", apply("add", BinaryFunction::add, left, right), {left, right},
                   [](const Backward& b) -> Gradients {
                     return {for_operand(b, 0, [&] { return b.gradient(); }),
                             for_operand(b, 1, [&] { return b.gradient(); })};
                   });
}

Variable operator-(const Variable& left, const Variable& right) {
  return operation("subtract", apply("subtract", BinaryFunction::subtract, left, right), {left, right},
                   [](const Backward& b) -> Gradients {
                     return {for_operand(b, 0, [&] { return b.gradient(); }),
                             for_operand(b, 1, [&] { return -b.gradient(); })};
                   });
}

Variable operator*(const Variable& left, const Variable& right) {
  return operation("multiply", apply("multiply", BinaryFunction::multiply, left, right), {left, right},
                   [](const Backward& b) -> Gradients {
                     return {for_operand(b, 0, [&] { return b.gradient() * b.input(1); }),
                             for_operand(b, 1, [&] { return b.gradient() * b.input(0); })};
                   });
}

Variable operator/(const Variable& left, const Variable& right) {
  return operation("divide", apply("divide", BinaryFunction::divide, left, right), {left, right},
                   [](const Backward& b) -> Gradients {
                     return {for_operand(b, 0, [&] { return b.gradient() / b.input(1); }),
                             for_operand(b, 1, [&] { return -b.gradient() * b.output() / b.input(1); })};
                   });
}

Variable gate(const Variable& x, const Variable& by) {
  return operation("gate", apply("gate", BinaryFunction::gate, x, by), {x, by},
                   [](const Backward& b) -> Gradients {
                     return {for_operand(b, 0, [&] { return gate(b.gradient(), b.input(1)); }), Variable()};
                   });
}

}  // namespace elbow
