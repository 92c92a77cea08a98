#include "engine/dispatch.h"
#include "engine/twin.h"

namespace elbow {
namespace {

void expect_pixels(const char* operation, const Tensor& pixels) {
  if (pixels.dtype() == DType::uint8) return;
  throw UsageError(std::string("[") + operation + "] expected pixels of uint8, got " + name(pixels.dtype()));
}

}  // namespace

Tensor pixel_values(const Tensor& pixels, DType dtype) {
  expect_pixels("pixel_values", pixels);
  Tensor numbers(pixels.shape(), dtype, pixels.device());
  with_real_type("pixel_values", dtype, [&]<class T>() {
    run(pixels.device(), kernels::Pixels<T>{pixels.count(), pixels.data<std::uint8_t>(), numbers.data<T>()});
  });
  return numbers;
}

Variable pixel_reconstruction(const Tensor& pixels, const Variable& decoded, double precision) {
  expect_pixels("pixel_reconstruction", pixels);
  if (decoded.shape().rank() != 2) {
    expect_shape("pixel_reconstruction", "decoded", decoded.value(), {0, 0});
  }
  expect_shape("pixel_reconstruction", "pixels", pixels, decoded.shape());
  const Index batch = decoded.shape()[0], columns = decoded.shape()[1];
  Tensor loss({batch}, decoded.dtype(), decoded.device());
  with_real_type("pixel_reconstruction", decoded.dtype(), [&]<class T>() {
    run(decoded.device(),
        kernels::PixelReconstruction<T>{batch, columns, precision, pixels.data<std::uint8_t>(),
                                        decoded.value().data<T>(), loss.data<T>()});
  });
  return operation(
      "pixel_reconstruction", loss, {decoded, Variable(pixels)}, [precision](const Backward& b) -> Gradients {
        const Variable& decoded = b.input(0);
        const Tensor pixels = b.input(1).value();
        if (is_recording()) {
          const Variables inputs = {alias(decoded)};
          return through_twin(b, {pixel_reconstruction_unfused(pixels, inputs[0], precision)}, inputs);
        }
        const Tensor loss_gradient = b.gradient().value();
        Tensor gradient(decoded.shape(), decoded.dtype(), decoded.device());
        with_real_type("pixel_reconstruction", decoded.dtype(), [&]<class T>() {
          run(decoded.device(),
              kernels::PixelReconstructionBackward<T>{decoded.shape()[0], decoded.shape()[1], precision,
                                                      pixels.data<std::uint8_t>(), decoded.value().data<T>(),
                                                      loss_gradient.data<T>(), gradient.data<T>()});
        });
        return {Variable(gradient)};
      });
}

Variable pixel_reconstruction_unfused(const Tensor& pixels, const Variable& decoded, double precision) {
  return elbo_reconstruction_unfused(Variable(pixel_values(pixels, decoded.dtype())), decoded, precision);
}

}  // namespace elbow
