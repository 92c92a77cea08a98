#include "kernels/copy.h"

#include <algorithm>

#include "kernels/strides.h"

namespace elbow::kernels::cpu {

template <class T>
void run(const Copy<T>& a) {
  Extents shape = a.shape;
  std::array<Extents, 2> strides{a.input_strides, a.output_strides};
  merge_axes(shape, strides);
  const Index size = shape[max_rank - 1];
  const Index from_stride = strides[0][max_rank - 1];
  const Index to_stride = strides[1][max_rank - 1];
  for_each_row(shape, strides, [&](const std::array<Index, 2>& offsets) {
    const T* from = a.input + offsets[0];
    T* to = a.output + offsets[1];
    if (from_stride == 1 && to_stride == 1) {
      std::copy_n(from, size, to);
    } else if (from_stride == 0 && to_stride == 1) {
      std::fill_n(to, size, *from);
    } else {
      for (Index i = 0; i < size; ++i) to[i * to_stride] = from[i * from_stride];
    }
  });
}

template void run(const Copy<float>&);
template void run(const Copy<double>&);
template void run(const Copy<Complex>&);

}  // namespace elbow::kernels::cpu
