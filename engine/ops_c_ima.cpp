#include <fmt/format.h>

#include "engine/dispatch.h"
#include "engine/forward_mode.h"
#include "engine/twin.h"
#include "kernels/c_ima.h"

namespace elbow {
namespace {

void expect_tangents(const char* name, const Variable& tangents) {
  const Shape& shape = tangents.shape();
  if (shape.rank() != 3 || shape[0] < 1 || shape[2] < shape[0]) {
    throw UsageError(
        fmt::format("[{}] expected tangents (d, batch, D) with 1 <= d <= D, got {}", name, to_string(shape)));
  }
}

}  // namespace

Variable c_ima(const Variable& tangents) {
  expect_tangents("c_ima", tangents);
  const Index n = tangents.shape()[0];
  const Index batch = tangents.shape()[1];
  const bool fused = tangents.shape()[2] == n && n >= kernels::c_ima_smallest && n <= kernels::c_ima_largest;
  if (!fused) return c_ima_unfused(tangents);
  const bool differentiated = is_recording() && tangents.requires_gradient();
  PoolVector<Tensor> values;
  values.emplace_back(Shape{batch}, tangents.dtype(), tangents.device());
  if (differentiated) values.emplace_back(tangents.shape(), tangents.dtype(), tangents.device());
  with_real_type("c_ima", tangents.dtype(), [&]<class T>() {
    run(tangents.device(), kernels::CIma<T>{batch, n, tangents.value().data<T>(), values[0].data<T>(),
                                            differentiated ? values[1].data<T>() : nullptr});
  });
  return operation("c_ima", std::move(values), {tangents}, [](const Backward& b) -> Gradients {
    if (is_recording()) {
      const Variable input = alias(b.input());
      return through_twin(b, {c_ima_unfused(input)}, {input});
    }
    return {reshape(b.gradient(), {b.gradient().shape()[0], 1}) * b.output(1)};
  })[0];
}

Variable c_ima_unfused(const Variable& tangents) {
  expect_tangents("c_ima", tangents);
  const Index d = tangents.shape()[0];
  const Index batch = tangents.shape()[1];
  const Variable norm = reshape(square_root(sum(square(tangents), 2)), {d, batch, 1});
  const Variable unit = jacobians(tangents / norm);
  if (tangents.shape()[2] == d) return -slogdet(unit).log_abs;
  return -0.5 * slogdet(matmul(transpose(unit), unit)).log_abs;
}

}  // namespace elbow
