#pragma once
// Pixels, bytes from 0 to 255, as numbers from 0 to 1, and the reconstruction half of the ELBO (eq. 1) on them: that of
// kernels/elbo_reconstruction.h with observations that stay in bytes.
//
//   Pixels                      numbers[i] = x(pixels[i]),  x(p) = p / 255, as a product with the nearest number to 1 / 255
//   PixelReconstruction         loss[b] = precision / 2 * sum_c (x(pixels[b, c]) - f[b, c])^2
//                                         + columns / 2 * (log(2 pi) - log precision)
//   PixelReconstructionBackward decoded_gradient[b, c] = loss_gradient[b] * precision * (f[b, c] - x(pixels[b, c]))
//
// Residuals are of type T. A row's sum of squares is in float64: accumulator p of 32 takes the columns c = p mod 32 ascending,
// each an fma; then halving as in kernels/sum.h. All overwrite.
#include "kernels/elbo_reconstruction.h"

namespace elbow::kernels {

inline constexpr int pixel_lanes = 32;

template <class T>
struct Pixels {
  Index count;
  const std::uint8_t* pixels;
  T* numbers;
};

template <class T>
struct PixelReconstruction {
  Index batch;
  Index columns;
  double precision;  ///< gamma^2 > 0
  const std::uint8_t* pixels;
  const T* decoded;
  T* loss;  ///< (batch)
};

template <class T>
struct PixelReconstructionBackward {
  Index batch;
  Index columns;
  double precision;
  const std::uint8_t* pixels;
  const T* decoded;
  const T* loss_gradient;  ///< (batch)
  T* decoded_gradient;     ///< (batch, columns)
};

template <class T>
ELBOW_HD T pixel_value(std::uint8_t pixel) {
  return static_cast<T>(pixel) * static_cast<T>(1.0 / 255);
}

/// `squares` plus one squared residual.
template <class T>
ELBOW_HD double add_square(double squares, std::uint8_t pixel, T decoded) {
  const double residual = static_cast<double>(pixel_value<T>(pixel) - decoded);
  return math::fma(residual, residual, squares);
}

namespace cpu {
template <class T>
void run(const Pixels<T>&);  // float, double
template <class T>
void run(const PixelReconstruction<T>&);  // float, double
template <class T>
void run(const PixelReconstructionBackward<T>&);  // float, double
}  // namespace cpu
namespace cuda {
template <class T>
void run(const Pixels<T>&);  // float, double
template <class T>
void run(const PixelReconstruction<T>&);  // float, double
template <class T>
void run(const PixelReconstructionBackward<T>&);  // float, double
}  // namespace cuda

}  // namespace elbow::kernels
