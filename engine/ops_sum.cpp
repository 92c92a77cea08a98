#include <fmt/format.h>

#include "engine/dispatch.h"
#include "engine/ops.h"

namespace elbow {
namespace {

/// x seen as (outer, length, inner), summed over length.
Tensor sum_middle(const Tensor& x, Index outer, Index length, Index inner, const Shape& shape) {
  Tensor result(shape, x.dtype(), x.device());
  with_type(x.dtype(), [&]<class T>() {
    run(x.device(), kernels::Sum<T>{outer, length, inner, x.data<T>(), result.data<T>()});
  });
  return result;
}

Index product(const Shape& shape, int first, int last) {
  Index count = 1;
  for (int axis = first; axis < last; ++axis) count *= shape[axis];
  return count;
}

}  // namespace

Variable sum(const Variable& x, int axis) {
  const int rank = x.shape().rank();
  const int removed = axis < 0 ? axis + rank : axis;
  if (removed < 0 || removed >= rank) {
    throw UsageError(fmt::format("[sum] expected an axis of shape {}, got {}", to_string(x.shape()), axis));
  }
  Shape shape;
  for (int i = 0; i < rank; ++i) {
    if (i != removed) shape.append(x.shape()[i]);
  }
  const Tensor result = sum_middle(x.value(), product(x.shape(), 0, removed), x.shape()[removed],
                                   product(x.shape(), removed + 1, rank), shape);
  return operation("sum", result, {x}, [removed](const Backward& b) -> Gradients {
    Shape kept = b.input().shape();
    kept.set(removed, 1);
    return {broadcast_to(reshape(b.gradient(), kept), b.input().shape())};
  });
}

Variable sum(const Variable& x) {
  const Tensor result = sum_middle(x.value(), 1, x.value().count(), 1, {});
  return operation("sum", result, {x}, [](const Backward& b) -> Gradients {
    return {broadcast_to(b.gradient(), b.input().shape())};
  });
}

Variable mean(const Variable& x) {
  const Index count = x.value().count();
  if (count == 0)
    throw UsageError(fmt::format("[mean] expected at least one element, got {}", to_string(x.shape())));
  return sum(x) / static_cast<double>(count);
}

Variable sum_to(const Variable& x, const Shape& shape) {
  if (x.shape() == shape) return x;
  if (broadcast("sum_to", shape, x.shape()) != x.shape()) {
    throw UsageError(fmt::format("[sum_to] expected a shape that broadcasts to {}, got {}",
                                 to_string(x.shape()), to_string(shape)));
  }
  Variable result = x;
  const int added = x.shape().rank() - shape.rank();
  if (added > 0) {
    Shape folded;
    folded.append(product(x.shape(), 0, added));
    for (int axis = added; axis < x.shape().rank(); ++axis) folded.append(x.shape()[axis]);
    result = sum(reshape(x, folded), 0);
  }
  for (int axis = 0; axis < shape.rank(); ++axis) {
    if (shape[axis] == 1 && result.shape()[axis] != 1) {
      Shape kept = result.shape();
      kept.set(axis, 1);
      result = reshape(sum(result, axis), kept);
    }
  }
  return result;
}

}  // namespace elbow
