#include "kernels/pixels.h"

#include "kernels/sum.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/pixels.cpp"
#include "kernels/simd.h"

HWY_BEFORE_NAMESPACE();
namespace elbow::kernels::cpu::HWY_NAMESPACE {

template <class T>
void convert(const Pixels<T>& a) {
  for (Index i = 0; i < a.count; ++i) a.numbers[i] = pixel_value<T>(a.pixels[i]);
}

template <class T>
double squares(const std::uint8_t* pixels, const T* decoded, Index columns) {
  double totals[pixel_lanes] = {};
  Index c = 0;
  for (; c + pixel_lanes <= columns; c += pixel_lanes) {
    for (int p = 0; p < pixel_lanes; ++p) totals[p] = add_square(totals[p], pixels[c + p], decoded[c + p]);
  }
  for (int p = 0; c < columns; ++c, ++p) totals[p] = add_square(totals[p], pixels[c], decoded[c]);
  return sum_by_halving(totals);
}

template <class T>
void forward(const PixelReconstruction<T>& a) {
  const double constant = reconstruction_constant(a.columns, a.precision);
  for (Index b = 0; b < a.batch; ++b) {
    const Index row = b * a.columns;
    a.loss[b] =
        reconstruction_loss<T>(squares(a.pixels + row, a.decoded + row, a.columns), a.precision, constant);
  }
}

template <class T>
void backward(const PixelReconstructionBackward<T>& a) {
  const T precision = static_cast<T>(a.precision);
  for (Index b = 0; b < a.batch; ++b) {
    const T factor = a.loss_gradient[b] * precision;
    for (Index i = b * a.columns; i < (b + 1) * a.columns; ++i) {
      a.decoded_gradient[i] = reconstruction_slope(factor, pixel_value<T>(a.pixels[i]), a.decoded[i]);
    }
  }
}

ELBOW_TARGET_ENTRY(convert_float, Pixels<float>, convert)
ELBOW_TARGET_ENTRY(convert_double, Pixels<double>, convert)
ELBOW_TARGET_ENTRY(forward_float, PixelReconstruction<float>, forward)
ELBOW_TARGET_ENTRY(forward_double, PixelReconstruction<double>, forward)
ELBOW_TARGET_ENTRY(backward_float, PixelReconstructionBackward<float>, backward)
ELBOW_TARGET_ENTRY(backward_double, PixelReconstructionBackward<double>, backward)

}  // namespace elbow::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace elbow::kernels::cpu {

ELBOW_DISPATCH(convert_float, Pixels<float>)
ELBOW_DISPATCH(convert_double, Pixels<double>)
ELBOW_DISPATCH(forward_float, PixelReconstruction<float>)
ELBOW_DISPATCH(forward_double, PixelReconstruction<double>)
ELBOW_DISPATCH(backward_float, PixelReconstructionBackward<float>)
ELBOW_DISPATCH(backward_double, PixelReconstructionBackward<double>)

}  // namespace elbow::kernels::cpu
#endif
