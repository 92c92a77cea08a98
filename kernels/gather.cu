#include "kernels/gather.h"

#include "kernels/launch.cuh"
#include "kernels/philox.h"

namespace elbow::kernels::cuda {

/// One block per row: each of its threads finds the sample for itself, then they share its columns.
template <class T, int threads>
__global__ void gather(Gather<T> a) {
  const Index row = block_index();
  const Index sample = shuffled(a.first + row, a.samples, a.seed, a.stream, a.epoch);
  for (Index c = thread_index(); c < a.columns; c += threads) {
    a.output[row * a.columns + c] = a.data[sample * a.columns + c];
  }
}

template <class T>
void run(const Gather<T>& a) {
  constexpr int threads = 64;
  launch("gather", gather<T, threads>, per_block(a.rows, threads), a);
}

template void run(const Gather<float>&);
template void run(const Gather<double>&);

}  // namespace elbow::kernels::cuda
