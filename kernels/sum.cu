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

/// inner > 1: a block for `width` neighbouring columns, sum_lanes threads down each.
template <class T, int width>
__global__ void sum_columns(Sum<T> a, Index tiles) {
  using Row = double[width];
  ELBOW_SHARED(Row, totals, sum_lanes);
  const int lane = thread_index() / width;
  const int own = thread_index() % width;
  const Index column = block_index() % tiles * width + own;
  const Index outer = block_index() / tiles;
  const T* input = a.input + outer * a.length * a.inner + column;
  double total = 0;
  if (column < a.inner) {
#pragma unroll 8
    for (Index k = lane; k < a.length; k += sum_lanes) total += static_cast<double>(input[k * a.inner]);
  }
  totals[lane][own] = total;
  for (int half = sum_lanes / 2; half > 0; half /= 2) {
    __syncthreads();
    if (lane < half) totals[lane][own] += totals[lane + half][own];
  }
  if (lane == 0 && column < a.inner) a.output[outer * a.inner + column] = static_cast<T>(totals[0][own]);
}

template <int width, class T>
void launch_columns(const Sum<T>& a) {
  const Index tiles = (a.inner + width - 1) / width;
  launch("sum", sum_columns<T, width>, per_block(a.outer * tiles, width * sum_lanes), a, tiles);
}

template <class T>
void run(const Sum<T>& a) {
  constexpr int wide = 32, narrow = 8;
  if (a.inner > narrow) {
    launch_columns<wide>(a);
  } else if (a.inner > 1) {
    launch_columns<narrow>(a);
  } else if (a.inner == 1) {
    constexpr int rows_per_block = 8;
    launch("sum", sum_rows<T>,
           per_block((a.outer + rows_per_block - 1) / rows_per_block, rows_per_block * sum_lanes), a);
  }
}

template void run(const Sum<float>&);
template void run(const Sum<double>&);

}  // namespace elbow::kernels::cuda
