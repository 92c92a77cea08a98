#include "kernels/elbo_reconstruction.h"

namespace elbow::kernels::cpu {

template <class T>
void run(const ElboReconstruction<T>& a) {
  const double constant = reconstruction_constant(a.columns, a.precision);
  for (Index b = 0; b < a.batch; ++b) {
    a.loss[b] = reconstruction_loss(a.observation + b * a.columns, a.decoded + b * a.columns, a.columns,
                                    a.precision, constant);
  }
}

template <class T>
void run(const ElboReconstructionBackward<T>& a) {
  const T precision = static_cast<T>(a.precision);
  for (Index b = 0; b < a.batch; ++b) {
    const T factor = a.loss_gradient[b] * precision;
    for (Index i = b * a.columns; i < (b + 1) * a.columns; ++i) {
      a.decoded_gradient[i] = factor * (a.decoded[i] - a.observation[i]);
    }
  }
}

template void run(const ElboReconstruction<float>&);
template void run(const ElboReconstruction<double>&);
template void run(const ElboReconstructionBackward<float>&);
template void run(const ElboReconstructionBackward<double>&);

}  // namespace elbow::kernels::cpu
