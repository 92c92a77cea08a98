#include "kernels/copy.h"

#include "kernels/launch.cuh"
#include "kernels/strides.cuh"

namespace elbow::kernels::cuda {

template <class T>
__global__ void copy(Index size, StridedSpace<2> space, const T* input, T* output) {
  for (Index i = global_index(); i < size; i += global_threads()) {
    Index offsets[2];
    offsets_at(space, i, offsets);
    output[offsets[1]] = input[offsets[0]];
  }
}

template <class T>
void run(const Copy<T>& a) {
  const StridedSpace<2> space(a.shape, {a.input_strides, a.output_strides});
  launch("copy", copy<T>, per_element(space.count()), space.count(), space, a.input, a.output);
}

template void run(const Copy<float>&);
template void run(const Copy<double>&);

}  // namespace elbow::kernels::cuda
