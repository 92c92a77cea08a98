#include "kernels/elbo_reconstruction.h"

namespace elbow::kernels::cpu {

template <class T>
void run(const ElboReconstruction<T>& a) {
  const double constant = reconstruction_constant(a.columns, a.precision);
  for (Index b = 0; b < a.batch; ++b) {
    const Index row = b * a.columns;
    const double squares = add_squares(0.0, a.observation + row, a.decoded + row, a.columns);
    a.loss[b] = reconstruction_loss<T>(squares, a.precision, constant);
  }
}

template <class T>
void run(const ElboReconstructionBackward<T>& a) {
  const T precision = static_cast<T>(a.precision);
  for (Index b = 0; b < a.batch; ++b) {
    const T factor = a.loss_gradient[b] * precision;
    for (Index i = b * a.columns; i < (b + 1) * a.columns; ++i) {
      a.decoded_gradient[i] = reconstruction_slope(factor, a.observation[i], a.decoded[i]);
    }
  }
}

template void run(const ElboReconstruction<float>&);
template void run(const ElboReconstruction<double>&);
template void run(const ElboReconstructionBackward<float>&);
template void run(const ElboReconstructionBackward<double>&);

}  // namespace elbow::kernels::cpu
