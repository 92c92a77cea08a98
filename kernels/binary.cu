#include "kernels/binary.h"

#include "kernels/launch.cuh"
#include "kernels/strides.cuh"

namespace elbow::kernels::cuda {

template <class T, class Function>
__global__ void binary(Function function, Index size, const T* left, const T* right, T* output) {
  for (Index i = global_index(); i < size; i += global_threads()) output[i] = function(left[i], right[i]);
}

template <class T, class Function>
__global__ void binary_strided(Function function, Index size, StridedSpace<2> space, const T* left,
                               const T* right, T* output) {
  for (Index i = global_index(); i < size; i += global_threads()) {
    Index offsets[2];
    offsets_at(space, i, offsets);
    output[i] = function(left[offsets[0]], right[offsets[1]]);
  }
}

template <class T>
void run(const Binary<T>& a) {
  const StridedSpace<2> space(a.shape, {a.left_strides, a.right_strides});
  const Index size = space.count();
  with_function(a.function, [&](auto function) {
    if (space.contiguous()) {
      launch("binary", binary<T, decltype(function)>, per_element(size), function, size, a.left, a.right,
             a.output);
    } else {
      launch("binary", binary_strided<T, decltype(function)>, per_element(size), function, size, space,
             a.left, a.right, a.output);
    }
  });
}

template void run(const Binary<float>&);
template void run(const Binary<double>&);

}  // namespace elbow::kernels::cuda
