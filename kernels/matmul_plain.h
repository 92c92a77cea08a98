#pragma once
// The contract of kernels/matmul.h as plain loops: for Complex, and for processors without a fused
// multiply-add instruction.
#include "kernels/math.h"
#include "kernels/matmul.h"

namespace elbow::kernels {

template <class T>
void matmul_plain(const Matmul<T>& a) {
  for (Index b = 0; b < a.batch; ++b) {
    const T* const left = a.left.data + b * a.left.batch_stride;
    const T* const right = a.right.data + b * a.right.batch_stride;
    T* const output = a.output + b * a.rows * a.columns;
    for (Index r = 0; r < a.rows; ++r) {
      for (Index c = 0; c < a.columns; ++c) {
        T sum = a.accumulate ? output[r * a.columns + c] : T(0);
        for (Index k = 0; k < a.depth; ++k) {
          sum = math::fma(left[r * a.left.row_stride + k * a.left.column_stride],
                          right[k * a.right.row_stride + c * a.right.column_stride], sum);
        }
        output[r * a.columns + c] = sum;
      }
    }
  }
}

}  // namespace elbow::kernels
