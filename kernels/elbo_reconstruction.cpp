#include "kernels/elbo_reconstruction.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/elbo_reconstruction.cpp"
#include "kernels/simd.h"

HWY_BEFORE_NAMESPACE();
namespace elbow::kernels::cpu::HWY_NAMESPACE {

template <class T>
void forward(const ElboReconstruction<T>& a) {
  const double constant = reconstruction_constant(a.columns, a.precision);
  for (Index b = 0; b < a.batch; ++b) {
    const Index row = b * a.columns;
    const double squares = add_squares(0.0, a.observation + row, a.decoded + row, a.columns);
    a.loss[b] = reconstruction_loss<T>(squares, a.precision, constant);
  }
}

template <class T>
void backward(const ElboReconstructionBackward<T>& a) {
  const T precision = static_cast<T>(a.precision);
  for (Index b = 0; b < a.batch; ++b) {
    const T factor = a.loss_gradient[b] * precision;
    for (Index i = b * a.columns; i < (b + 1) * a.columns; ++i) {
      a.decoded_gradient[i] = reconstruction_slope(factor, a.observation[i], a.decoded[i]);
    }
  }
}

ELBOW_TARGET_ENTRY(forward_float, ElboReconstruction<float>, forward)
ELBOW_TARGET_ENTRY(forward_double, ElboReconstruction<double>, forward)
ELBOW_TARGET_ENTRY(backward_float, ElboReconstructionBackward<float>, backward)
ELBOW_TARGET_ENTRY(backward_double, ElboReconstructionBackward<double>, backward)

}  // namespace elbow::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace elbow::kernels::cpu {

ELBOW_DISPATCH(forward_float, ElboReconstruction<float>)
ELBOW_DISPATCH(forward_double, ElboReconstruction<double>)
ELBOW_DISPATCH(backward_float, ElboReconstructionBackward<float>)
ELBOW_DISPATCH(backward_double, ElboReconstructionBackward<double>)

}  // namespace elbow::kernels::cpu
#endif
