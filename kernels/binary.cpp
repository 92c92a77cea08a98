#include "kernels/binary.h"

#include "kernels/strides.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/binary.cpp"
#include "kernels/simd.h"

HWY_BEFORE_NAMESPACE();
namespace elbow::kernels::cpu::HWY_NAMESPACE {

template <class T, class Function>
void row(Function function, Index size, const T* left, Index left_stride, const T* right, Index right_stride,
         T* output) {
  if (left_stride == 1 && right_stride == 1) {
#pragma GCC ivdep
    for (Index i = 0; i < size; ++i) output[i] = function(left[i], right[i]);
  } else if (left_stride == 1 && right_stride == 0) {
    const T same = right[0];
#pragma GCC ivdep
    for (Index i = 0; i < size; ++i) output[i] = function(left[i], same);
  } else if (left_stride == 0 && right_stride == 1) {
    const T same = left[0];
#pragma GCC ivdep
    for (Index i = 0; i < size; ++i) output[i] = function(same, right[i]);
  } else {
    for (Index i = 0; i < size; ++i) output[i] = function(left[i * left_stride], right[i * right_stride]);
  }
}

template <class T>
void zip(const Binary<T>& a) {
  Extents shape = a.shape;
  std::array<Extents, 2> strides{a.left_strides, a.right_strides};
  merge_axes(shape, strides);
  const Index size = shape[max_rank - 1];
  with_function(a.function, [&](auto function) {
    T* output = a.output;
    for_each_row(shape, strides, [&](const std::array<Index, 2>& offsets) {
      row(function, size, a.left + offsets[0], strides[0][max_rank - 1], a.right + offsets[1],
          strides[1][max_rank - 1], output);
      output += size;
    });
  });
}

ELBOW_TARGET_ENTRY(binary_float, Binary<float>, zip)
ELBOW_TARGET_ENTRY(binary_double, Binary<double>, zip)
ELBOW_TARGET_ENTRY(binary_complex, Binary<Complex>, zip)

}  // namespace elbow::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace elbow::kernels::cpu {

ELBOW_DISPATCH(binary_float, Binary<float>)
ELBOW_DISPATCH(binary_double, Binary<double>)
ELBOW_DISPATCH(binary_complex, Binary<Complex>)

}  // namespace elbow::kernels::cpu
#endif
