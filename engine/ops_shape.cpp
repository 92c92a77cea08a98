#include <fmt/format.h>

#include "engine/dispatch.h"
#include "engine/ops.h"

namespace elbow {
namespace {

Extents strides_of(const Shape& shape) { return broadcast_strides(shape, shape); }

/// Copies between two strided views of `shape`, which start at the given elements.
void copy(const Tensor& from, Index from_offset, const Extents& from_strides, Tensor& to, Index to_offset,
          const Extents& to_strides, const Shape& shape) {
  with_type(from.dtype(), [&]<class T>() {
    run(from.device(), kernels::Copy<T>{padded(shape), from_strides, to_strides, from.data<T>() + from_offset,
                                        to.data<T>() + to_offset});
  });
}

int checked_axis(const char* name, int axis, const Shape& shape) {
  const int positive = axis < 0 ? axis + shape.rank() : axis;
  if (positive < 0 || positive >= shape.rank()) {
    throw UsageError(fmt::format("[{}] expected an axis of shape {}, got {}", name, to_string(shape), axis));
  }
  return positive;
}

Index elements_after(const Shape& shape, int axis) {
  Index count = 1;
  for (int i = axis + 1; i < shape.rank(); ++i) count *= shape[i];
  return count;
}

/// The adjoint of slice: x at [first, first + its extent) along `axis` of zeros of shape `whole`.
Variable place(const Variable& x, int axis, Index first, const Shape& whole) {
  Tensor result = Tensor::zeros(whole, x.dtype(), x.device());
  copy(x.value(), 0, strides_of(x.shape()), result, first * elements_after(whole, axis), strides_of(whole),
       x.shape());
  const Index count = x.shape()[axis];
  return operation("place", result, {x}, [axis, first, count](const Backward& b) -> Gradients {
    return {slice(b.gradient(), axis, first, count)};
  });
}

}  // namespace

Variable reshape(const Variable& x, const Shape& shape) {
  return operation("reshape", x.value().reshaped(shape), {x},
                   [](const Backward& b) -> Gradients { return {reshape(b.gradient(), b.input().shape())}; });
}

Variable transpose(const Variable& x) {
  Shape shape = x.shape();
  if (shape.rank() < 2)
    throw UsageError(fmt::format("[transpose] expected a matrix, got {}", to_string(shape)));
  shape.set(-1, x.shape()[-2]);
  shape.set(-2, x.shape()[-1]);
  Extents strides = strides_of(x.shape());
  std::swap(strides[max_rank - 1], strides[max_rank - 2]);
  Tensor result(shape, x.dtype(), x.device());
  copy(x.value(), 0, strides, result, 0, strides_of(shape), shape);
  return operation("transpose", result, {x},
                   [](const Backward& b) -> Gradients { return {transpose(b.gradient())}; });
}

Variable broadcast_to(const Variable& x, const Shape& shape) {
  if (x.shape() == shape) return x;
  if (broadcast("broadcast_to", x.shape(), shape) != shape) {
    throw UsageError(fmt::format("[broadcast_to] expected a shape that {} broadcasts to, got {}",
                                 to_string(x.shape()), to_string(shape)));
  }
  Tensor result(shape, x.dtype(), x.device());
  copy(x.value(), 0, broadcast_strides(x.shape(), shape), result, 0, strides_of(shape), shape);
  return operation("broadcast_to", result, {x},
                   [](const Backward& b) -> Gradients { return {sum_to(b.gradient(), b.input().shape())}; });
}

Variable slice(const Variable& x, int axis, Index first, Index count) {
  axis = checked_axis("slice", axis, x.shape());
  if (first < 0 || count < 0 || first + count > x.shape()[axis]) {
    throw UsageError(fmt::format("[slice] expected a range inside [0, {}), got [{}, {})", x.shape()[axis],
                                 first, first + count));
  }
  Shape shape = x.shape();
  shape.set(axis, count);
  Tensor result(shape, x.dtype(), x.device());
  copy(x.value(), first * elements_after(x.shape(), axis), strides_of(x.shape()), result, 0,
       strides_of(shape), shape);
  return operation("slice", result, {x}, [axis, first](const Backward& b) -> Gradients {
    return {place(b.gradient(), axis, first, b.input().shape())};
  });
}

Variable concatenate(const Variables& parts, int axis) {
  if (parts.empty()) throw UsageError("[concatenate] expected at least one part, got none");
  axis = checked_axis("concatenate", axis, parts.front().shape());
  Shape shape = parts.front().shape();
  shape.set(axis, 0);
  for (const Variable& part : parts) {
    expect_alike("concatenate", parts.front().value(), part.value());
    Shape rest = part.shape();
    if (rest.rank() == shape.rank()) rest.set(axis, shape[axis]);
    expect_shape("concatenate", "the other axes of a part", Tensor(rest, part.dtype()), shape);
    shape.set(axis, shape[axis] + part.shape()[axis]);
  }
  Tensor result(shape, parts.front().dtype(), parts.front().device());
  Index first = 0;
  for (const Variable& part : parts) {
    copy(part.value(), 0, strides_of(part.shape()), result, first * elements_after(shape, axis),
         strides_of(shape), part.shape());
    first += part.shape()[axis];
  }
  const int inputs = static_cast<int>(parts.size());
  PoolVector<Tensor> values;
  values.push_back(result);
  return operation(
             "concatenate", std::move(values), parts,
             [axis, inputs](const Backward& b) -> Gradients {
               Gradients gradients;
               Index first = 0;
               for (int i = 0; i < inputs; ++i) {
                 const Index count = b.input(i).shape()[axis];
                 gradients.push_back(b.wanted(i) ? slice(b.gradient(), axis, first, count) : Variable());
                 first += count;
               }
               return gradients;
             })
      .front();
}

}  // namespace elbow
