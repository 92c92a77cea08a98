#pragma once
// output[b] = left[b] right[b], or += with `accumulate`: (rows x depth) times (depth x columns), b in [0,
// batch).
//
// Operands are addressed by element strides, so a transposed operand is one whose strides are exchanged, and
// a batch stride of 0 uses one matrix for the whole batch. The output is contiguous (batch, rows, columns).
//
// Fixed order, the same on every device and every vector width: each element is
//   s = accumulate ? output : 0;  for k ascending: s = fma(left[r, k], right[k, c], s)
// rounded at each step to T; but CUDA leaves large products to cuBLAS, whose order is its own
// (kernels/matmul_blas.cuh). depth == 0 leaves zeros (or the output untouched with `accumulate`).
#include "kernels/types.h"

namespace elbow::kernels {

template <class T>
struct MatrixView {
  const T* data;
  Index batch_stride;
  Index row_stride;
  Index column_stride;
};

template <class T>
struct Matmul {
  Index batch;
  Index rows;
  Index depth;
  Index columns;
  MatrixView<T> left;   ///< rows x depth
  MatrixView<T> right;  ///< depth x columns
  T* output;
  bool accumulate;
};

namespace cpu {
template <class T>
void run(const Matmul<T>&);  // float, double, Complex
}
namespace cuda {
template <class T>
void run(const Matmul<T>&);  // float, double
}

}  // namespace elbow::kernels
