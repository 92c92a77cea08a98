#pragma once
// The reconstruction half of the ELBO (eq. 1), -log p(x | z) for the decoder N(f(z), gamma^-2 I), in nats:
//   loss[b] = precision / 2 * sum_c (x[b, c] - f[b, c])^2 + columns / 2 * (log(2 pi) - log precision)
// with precision = gamma^2, x the observation, f the decoded mean. Summed over c ascending in float64.
// Overwrites.
//
// Backward: decoded_gradient[b, c] = loss_gradient[b] * precision * (f[b, c] - x[b, c]); the observation's
// gradient is its negative. Nothing is kept but the inputs.
#include <cmath>

#include "kernels/math.h"
#include "kernels/types.h"

namespace elbow::kernels {

template <class T>
struct ElboReconstruction {
  Index batch;
  Index columns;
  double precision;  ///< gamma^2 > 0
  const T* observation;
  const T* decoded;
  T* loss;  ///< (batch)
};

template <class T>
struct ElboReconstructionBackward {
  Index batch;
  Index columns;
  double precision;
  const T* observation;
  const T* decoded;
  const T* loss_gradient;  ///< (batch)
  T* decoded_gradient;     ///< (batch, columns)
};

/// columns / 2 * (log(2 pi) - log precision), host only.
inline double reconstruction_constant(Index columns, double precision) {
  return 0.5 * static_cast<double>(columns) * (math::log_two_pi - std::log(precision));
}

/// `squares` plus the squared residuals of `columns` columns, ascending.
template <class T>
ELBOW_HD double add_squares(double squares, const T* observation, const T* decoded, Index columns) {
  for (Index c = 0; c < columns; ++c) {
    const double residual = static_cast<double>(observation[c] - decoded[c]);
    squares = math::fma(residual, residual, squares);
  }
  return squares;
}

/// The loss of one sample from its sum of squares.
template <class T>
ELBOW_HD T reconstruction_loss(double squares, double precision, double constant) {
  return static_cast<T>(math::fma(0.5 * precision, squares, constant));
}

/// `factor` is loss_gradient * precision of the sample.
template <class T>
ELBOW_HD T reconstruction_slope(T factor, T observation, T decoded) {
  return factor * (decoded - observation);
}

namespace cpu {
template <class T>
void run(const ElboReconstruction<T>&);  // float, double
template <class T>
void run(const ElboReconstructionBackward<T>&);  // float, double
}  // namespace cpu
namespace cuda {
template <class T>
void run(const ElboReconstruction<T>&);  // float, double
template <class T>
void run(const ElboReconstructionBackward<T>&);  // float, double
}  // namespace cuda

}  // namespace elbow::kernels
