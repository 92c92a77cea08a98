#include "kernels/pixels.h"

#include "kernels/launch.cuh"

namespace elbow::kernels::cuda {

template <class T>
__global__ void pixels(Pixels<T> a) {
  for (Index i = global_index(); i < a.count; i += global_threads()) {
    a.numbers[i] = pixel_value<T>(a.pixels[i]);
  }
}

/// A warp per sample: one accumulator for each of its lanes.
template <class T>
__global__ void pixel_reconstruction(PixelReconstruction<T> a, double constant) {
  const Index sample = global_index() / pixel_lanes;
  const int lane = thread_index() % pixel_lanes;
  const Index columns = sample < a.batch ? a.columns : 0;  // all lanes of a warp take part in the exchange
  double squares = 0;
#pragma unroll 8
  for (Index c = lane; c < columns; c += pixel_lanes) {
    squares = add_square(squares, a.pixels[sample * columns + c], a.decoded[sample * columns + c]);
  }
  squares = sum_by_halving<pixel_lanes>(squares);
  if (lane == 0 && sample < a.batch) {
    a.loss[sample] = reconstruction_loss<T>(squares, a.precision, constant);
  }
}

template <class T>
__global__ void pixel_reconstruction_backward(PixelReconstructionBackward<T> a) {
  const T precision = static_cast<T>(a.precision);
  for (Index i = global_index(); i < a.batch * a.columns; i += global_threads()) {
    const T factor = a.loss_gradient[i / a.columns] * precision;
    a.decoded_gradient[i] = reconstruction_slope(factor, pixel_value<T>(a.pixels[i]), a.decoded[i]);
  }
}

template <class T>
void run(const Pixels<T>& a) {
  launch("pixels", pixels<T>, per_element(a.count), a);
}

template <class T>
void run(const PixelReconstruction<T>& a) {
  constexpr int samples = 4;  // of a block
  launch("pixels", pixel_reconstruction<T>,
         per_block((a.batch + samples - 1) / samples, samples * pixel_lanes), a,
         reconstruction_constant(a.columns, a.precision));
}

template <class T>
void run(const PixelReconstructionBackward<T>& a) {
  launch("pixels", pixel_reconstruction_backward<T>, per_element(a.batch * a.columns), a);
}

template void run(const Pixels<float>&);
template void run(const Pixels<double>&);
template void run(const PixelReconstruction<float>&);
template void run(const PixelReconstruction<double>&);
template void run(const PixelReconstructionBackward<float>&);
template void run(const PixelReconstructionBackward<double>&);

}  // namespace elbow::kernels::cuda
