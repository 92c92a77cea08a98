#include "kernels/sum.h"

#include "kernels/launch.cuh"

namespace elbow::kernels::cuda {

/// inner == 1: sum_lanes neighbouring lanes of a warp per output.
template <class T>
__global__ void sum_rows(Sum<T> a) {
  const Index row = global_index() / sum_lanes;
  const int lane = thread_index() % sum_lanes;
  const Index length =
      row < a.outer ? a.length : 0;  // lanes past the last row still take part in the exchange
  double total = 0;
#pragma unroll 8
  for (Index k = lane; k < length; k += sum_lanes) total += static_cast<double>(a.input[row * a.length + k]);
  total = sum_by_halving<sum_lanes>(total);
  if (lane == 0 && row < a.outer) a.output[row] = static_cast<T>(total);
}

/// inner > 1: one thread per output, neighbours reading neighbouring columns.
template <class T>
__global__ void sum_columns(Sum<T> a) {
  for (Index i = global_index(); i < a.outer * a.inner; i += global_threads()) {
    const T* input = a.input + (i / a.inner) * a.length * a.inner + i % a.inner;
    double total = 0;
#pragma unroll 8
    for (Index k = 0; k < a.length; ++k) total += static_cast<double>(input[k * a.inner]);
    a.output[i] = static_cast<T>(total);
  }
}

template <class T>
void run(const Sum<T>& a) {
  if (a.inner == 1) {
    constexpr int rows_per_block = 8;
    launch("sum", sum_rows<T>,
           per_block((a.outer + rows_per_block - 1) / rows_per_block, rows_per_block * sum_lanes), a);
  } else {
    launch("sum", sum_columns<T>, per_element(a.outer * a.inner), a);
  }
}

template void run(const Sum<float>&);
template void run(const Sum<double>&);

}  // namespace elbow::kernels::cuda
