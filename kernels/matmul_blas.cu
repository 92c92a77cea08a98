#include "kernels/matmul_blas.cuh"

#include <algorithm>

#include "kernels/blas.cuh"

namespace elbow::kernels::cuda {
namespace {

/// A matrix as BLAS sees it: columns one after the other, `leading` elements apart. A row-major matrix is the
/// transpose of such a one.
struct Stored {
  cublasOperation_t operation;  ///< that makes the transpose of our matrix
  int leading;
};

constexpr Index most = 0x7fffffff;  // of what BLAS takes as int

template <class T>
Stored stored(const MatrixView<T>& matrix) {
  if (matrix.column_stride == 1) return {CUBLAS_OP_N, static_cast<int>(matrix.row_stride)};
  return {CUBLAS_OP_T, static_cast<int>(matrix.column_stride)};
}

template <class T>
bool suits_blas(const MatrixView<T>& matrix, Index rows, Index columns) {
  const bool row_major =
      matrix.column_stride == 1 && matrix.row_stride >= columns && matrix.row_stride <= most;
  const bool column_major =
      matrix.row_stride == 1 && matrix.column_stride >= rows && matrix.column_stride <= most;
  return row_major || column_major;
}

cublasStatus_t multiply(Stored right, Stored left, const Matmul<float>& a, float accumulate) {
  const float one = 1;
  return cublasSgemmStridedBatched(
      Blas::handle("matmul"), right.operation, left.operation, static_cast<int>(a.columns),
      static_cast<int>(a.rows), static_cast<int>(a.depth), &one, a.right.data, right.leading,
      a.right.batch_stride, a.left.data, left.leading, a.left.batch_stride, &accumulate, a.output,
      static_cast<int>(a.columns), a.rows * a.columns, static_cast<int>(a.batch));
}

cublasStatus_t multiply(Stored right, Stored left, const Matmul<double>& a, double accumulate) {
  const double one = 1;
  return cublasDgemmStridedBatched(
      Blas::handle("matmul"), right.operation, left.operation, static_cast<int>(a.columns),
      static_cast<int>(a.rows), static_cast<int>(a.depth), &one, a.right.data, right.leading,
      a.right.batch_stride, a.left.data, left.leading, a.left.batch_stride, &accumulate, a.output,
      static_cast<int>(a.columns), a.rows * a.columns, static_cast<int>(a.batch));
}

}  // namespace

template <class T>
bool suits_blas(const Matmul<T>& a) {
  const double work = static_cast<double>(a.batch) * static_cast<double>(a.rows) *
                      static_cast<double>(a.depth) * static_cast<double>(a.columns);
  return work >= blas_from && std::max({a.batch, a.rows, a.depth, a.columns}) <= most &&
         suits_blas(a.left, a.rows, a.depth) && suits_blas(a.right, a.depth, a.columns);
}

/// output = left right, row-major, is output^T = right^T left^T with columns one after the other.
template <class T>
void run_blas(const Matmul<T>& a) {
  const Range family("matmul");
  check_blas("matmul", multiply(stored(a.right), stored(a.left), a, T(a.accumulate ? 1 : 0)),
             "gemmStridedBatched");
}

template bool suits_blas(const Matmul<float>&);
template bool suits_blas(const Matmul<double>&);
template void run_blas(const Matmul<float>&);
template void run_blas(const Matmul<double>&);

}  // namespace elbow::kernels::cuda
