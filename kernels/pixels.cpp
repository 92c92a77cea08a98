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

#if HWY_TARGET != HWY_SCALAR

namespace hn = hwy::HWY_NAMESPACE;

/// x(p) of as many pixels as D has lanes.
template <class D>
HWY_INLINE hn::Vec<D> pixel_values(D d, const std::uint8_t* pixels) {
  const hn::Rebind<std::int32_t, D> integers;
  const hn::Rebind<std::uint8_t, D> bytes;
  const auto numbers = hn::ConvertTo(d, hn::PromoteTo(integers, hn::LoadU(bytes, pixels)));
  return hn::Mul(numbers, hn::Set(d, pixel_value<hn::TFromD<D>>(1)));
}

/// Adds the squares of the first columns, whole rows of accumulators, and returns how many; g++ would go by way of 16 bits.
HWY_INLINE Index squares_in_vectors(const std::uint8_t* pixels, const float* decoded, Index columns,
                                    double* totals) {
  const hn::ScalableTag<double> d;
  const hn::Rebind<float, decltype(d)> half;
  constexpr Index lanes = hn::MaxLanes(d), vectors = pixel_lanes / lanes;
  hn::Vec<decltype(d)> sums[vectors];
  for (auto& sum : sums) sum = hn::Zero(d);
  Index c = 0;
  while (c + pixel_lanes <= columns) {
    HWY_UNROLL(16)
    for (Index v = 0; v < vectors; ++v, c += lanes) {
      const auto residual =
          hn::PromoteTo(d, hn::Sub(pixel_values(half, pixels + c), hn::LoadU(half, decoded + c)));
      sums[v] = hn::MulAdd(residual, residual, sums[v]);
    }
  }
  for (Index v = 0; v < vectors; ++v) hn::StoreU(sums[v], d, totals + v * lanes);
  return c;
}

#else

HWY_INLINE Index squares_in_vectors(const std::uint8_t*, const float*, Index, double*) { return 0; }

#endif

HWY_INLINE Index squares_in_vectors(const std::uint8_t*, const double*, Index, double*) { return 0; }

template <class T>
double squares(const std::uint8_t* pixels, const T* decoded, Index columns) {
  double totals[pixel_lanes] = {};
  for (Index c = squares_in_vectors(pixels, decoded, columns, totals); c < columns; ++c) {
    double& total = totals[c % pixel_lanes];
    total = add_square(total, pixels[c], decoded[c]);
  }
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
