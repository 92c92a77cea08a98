#include "engine/random.h"

#include "engine/dispatch.h"

namespace elbow {
namespace {

Tensor draw(kernels::Distribution distribution, const Draw& at, double low, double high, Index rows,
            Index columns, DType dtype, Device device) {
  Tensor result({rows, columns}, dtype, device);
  with_real_type("random", dtype, [&]<class T>() {
    run(device, kernels::Random<T>{distribution, at.seed, static_cast<std::uint32_t>(at.stream), at.step,
                                   at.first_sample, rows, columns, low, high, result.data<T>()});
  });
  return result;
}

}  // namespace

Tensor normal(const Draw& at, Index rows, Index columns, DType dtype, Device device) {
  return draw(kernels::Distribution::normal, at, 0, 1, rows, columns, dtype, device);
}

Tensor uniform(const Draw& at, double low, double high, Index rows, Index columns, DType dtype,
               Device device) {
  return draw(kernels::Distribution::uniform, at, low, high, rows, columns, dtype, device);
}

}  // namespace elbow
