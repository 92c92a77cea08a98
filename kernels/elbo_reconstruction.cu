#include "kernels/elbo_reconstruction.h"

#include "kernels/launch.cuh"

namespace elbow::kernels::cuda {

/// Few columns: one thread per sample.
template <class T>
__global__ void elbo_reconstruction_narrow(ElboReconstruction<T> a, double constant) {
  for (Index i = global_index(); i < a.batch; i += global_threads()) {
    const Index row = i * a.columns;
    const double squares = add_squares(0, a.observation + row, a.decoded + row, a.columns);
    a.loss[i] = reconstruction_loss<T>(squares, a.precision, constant);
  }
}

/// Many: one block per sample, all its threads fetch a stretch of the row, thread 0 adds the stretch up.
template <class T, int threads>
__global__ void elbo_reconstruction(ElboReconstruction<T> a, double constant) {
  constexpr int stretch = 4 * threads;
  ELBOW_SHARED(T, observation, stretch);
  ELBOW_SHARED(T, decoded, stretch);
  const Index row = block_index() * a.columns;
  double squares = 0;
  for (Index first = 0; first < a.columns; first += stretch) {
    const int count = static_cast<int>(a.columns - first < stretch ? a.columns - first : stretch);
    for (int c = thread_index(); c < count; c += threads) {
      observation[c] = a.observation[row + first + c];
      decoded[c] = a.decoded[row + first + c];
    }
    __syncthreads();
    if (thread_index() == 0) squares = add_squares(squares, observation, decoded, count);
    __syncthreads();
  }
  if (thread_index() == 0) a.loss[block_index()] = reconstruction_loss<T>(squares, a.precision, constant);
}

template <class T>
__global__ void elbo_reconstruction_backward(ElboReconstructionBackward<T> a) {
  const T precision = static_cast<T>(a.precision);
  for (Index i = global_index(); i < a.batch * a.columns; i += global_threads()) {
    const T factor = a.loss_gradient[i / a.columns] * precision;
    a.decoded_gradient[i] = reconstruction_slope(factor, a.observation[i], a.decoded[i]);
  }
}

template <class T>
void run(const ElboReconstruction<T>& a) {
  constexpr Index narrow = 32;
  const double constant = reconstruction_constant(a.columns, a.precision);
  if (a.columns <= narrow) {
    launch("elbo_reconstruction", elbo_reconstruction_narrow<T>, per_element(a.batch), a, constant);
  } else {
    constexpr int threads = 128;
    launch("elbo_reconstruction", elbo_reconstruction<T, threads>, per_block(a.batch, threads), a, constant);
  }
}

template <class T>
void run(const ElboReconstructionBackward<T>& a) {
  launch("elbo_reconstruction", elbo_reconstruction_backward<T>, per_element(a.batch * a.columns), a);
}

template void run(const ElboReconstruction<float>&);
template void run(const ElboReconstruction<double>&);
template void run(const ElboReconstructionBackward<float>&);
template void run(const ElboReconstructionBackward<double>&);

}  // namespace elbow::kernels::cuda
