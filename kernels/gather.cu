#include "kernels/gather.h"

#include "kernels/launch.cuh"
#include "kernels/philox.h"

namespace elbow::kernels::cuda {

/// `lanes` neighbouring threads per row: each finds the sample for itself, then they share its columns.
template <class T, int threads, int lanes>
__global__ void gather(Gather<T> a) {
  const Index row = block_index() * (threads / lanes) + thread_index() / lanes;
  if (row >= a.rows) return;
  const Index sample = shuffled(a.first + row, a.samples, a.seed, a.stream, a.epoch);
  for (Index c = thread_index() % lanes; c < a.columns; c += lanes) {
    a.output[row * a.columns + c] = a.data[sample * a.columns + c];
  }
}

template <int lanes, class T>
void launch_with_lanes(const Gather<T>& a) {
  constexpr int threads = 128;
  constexpr int rows = threads / lanes;
  launch("gather", gather<T, threads, lanes>, per_block((a.rows + rows - 1) / rows, threads), a);
}

template <class T>
void run(const Gather<T>& a) {
  if (a.columns <= 8) {
    launch_with_lanes<4>(a);
  } else {
    launch_with_lanes<128>(a);
  }
}

template void run(const Gather<float>&);
template void run(const Gather<double>&);
template void run(const Gather<std::uint8_t>&);

}  // namespace elbow::kernels::cuda
