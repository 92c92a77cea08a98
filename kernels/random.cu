#include "kernels/random.h"

#include "kernels/launch.cuh"

namespace elbow::kernels::cuda {

/// One thread per Philox block, that is per four columns of a row.
template <class T>
__global__ void random(Random<T> a) {
  const Index row_blocks = (a.columns + 3) / 4;
  for (Index i = global_index(); i < a.rows * row_blocks; i += global_threads()) {
    const Index row = i / row_blocks;
    const Index first = 4 * (i % row_blocks);
    T values[4];
    random_block(a, row, first / 4, values);
#pragma unroll
    for (int c = 0; c < 4; ++c) {
      if (first + c < a.columns) a.output[row * a.columns + first + c] = values[c];
    }
  }
}

template <class T>
void run(const Random<T>& a) {
  launch("random", random<T>, per_element(a.rows * ((a.columns + 3) / 4)), a);
}

template void run(const Random<float>&);
template void run(const Random<double>&);

}  // namespace elbow::kernels::cuda
