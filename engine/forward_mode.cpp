#include "engine/forward_mode.h"

#include <fmt/format.h>

#include "engine/ops.h"

namespace elbow {

Dual seeded(const Variable& z) {
  if (z.shape().rank() != 2) {
    throw UsageError(fmt::format("[seeded] expected (batch, d), got {}", to_string(z.shape())));
  }
  const Index batch = z.shape()[0];
  const Index d = z.shape()[1];
  std::vector<double> units(static_cast<std::size_t>(d * d), 0);
  for (Index k = 0; k < d; ++k) units[k * d + k] = 1;
  const Variable identity(Tensor::from(units, {d, 1, d}).to(z.dtype()).to(z.device()));
  return {z, broadcast_to(identity, {d, batch, d})};
}

Dual elementwise(const Dual& x, const std::function<Variable(const Variable&)>& f) {
  if (!is_recording()) {
    Variable value;
    Variable slope;
    {
      const Recording on;
      const Variable input(x.primal.value(), true);
      value = f(input);
      slope = gradients(sum(value), {input}, false).front();
    }
    return {value.detached(), x.tangents * slope};
  }
  const Variable input = x.primal.requires_gradient() ? x.primal : Variable(x.primal.value(), true);
  const Variable value = f(input);
  return {value, x.tangents * gradients(sum(value), {input}, true).front()};
}

Dual operator+(const Dual& left, const Dual& right) {
  return {left.primal + right.primal, left.tangents + right.tangents};
}

Dual linear(const Dual& x, const Variable& weight, const Variable& bias) {
  return {linear(x.primal, weight, bias), matmul(x.tangents, transpose(weight))};
}

namespace {

Shape with_rows(std::initializer_list<Index> leading, const Shape& row) {
  Shape shape(leading);
  for (int axis = 0; axis < row.rank(); ++axis) shape.append(row[axis]);
  return shape;
}

/// (d, batch, ...) as d * batch rows: tangents are further images for a linear operation.
Variable folded(const Variable& tangents) {
  const Shape& shape = tangents.shape();
  return reshape(tangents, {shape[0] * shape[1], shape[2], shape[3], shape[4]});
}
Variable unfolded(const Variable& rows, Index directions) {
  const Shape& shape = rows.shape();
  return reshape(rows, {directions, shape[0] / directions, shape[1], shape[2], shape[3]});
}

Variable without_bias(const Variable& bias) {
  return Variable(Tensor::zeros(bias.shape(), bias.dtype(), bias.device()));
}

}  // namespace

Dual transposed_convolution(const Dual& x, const Variable& weight, const Variable& bias,
                            ConvolutionGeometry geometry) {
  const Variable moved = transposed_convolution(folded(x.tangents), weight, without_bias(bias), geometry);
  return {transposed_convolution(x.primal, weight, bias, geometry), unfolded(moved, x.tangents.shape()[0])};
}

Dual transposed_convolution_relu(const Dual& x, const Variable& weight, const Variable& bias,
                                 ConvolutionGeometry geometry) {
  const Variable moved = transposed_convolution(folded(x.tangents), weight, without_bias(bias), geometry);
  const Variable primal = transposed_convolution_relu(x.primal, weight, bias, geometry);
  return {primal, gate(unfolded(moved, x.tangents.shape()[0]), primal)};
}

Variable reshape_rows(const Variable& x, const Shape& row) {
  return reshape(x, with_rows({x.shape()[0]}, row));
}

Dual reshape_rows(const Dual& x, const Shape& row) {
  const Index batch = x.primal.shape()[0], d = x.tangents.shape()[0];
  return {reshape(x.primal, with_rows({batch}, row)), reshape(x.tangents, with_rows({d, batch}, row))};
}

Variable jacobians(const Variable& tangents) {
  const Shape& shape = tangents.shape();
  const Variable flat = reshape(tangents, {shape[0], shape[1] * shape[2]});
  return reshape(transpose(flat), {shape[1], shape[2], shape[0]});
}

Variable tangents(const Variable& jacobians) {
  const Shape& shape = jacobians.shape();
  const Variable flat = reshape(jacobians, {shape[0] * shape[1], shape[2]});
  return reshape(transpose(flat), {shape[2], shape[0], shape[1]});
}

}  // namespace elbow
