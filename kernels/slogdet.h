#pragma once
// Of each matrix A of a batch: sign and log abs det A, and from the same factors the inverse transpose A^-T, which is
// the gradient of log abs det A.
//
// Method for float up to 3 x 3: cofactors, det A = sum_j a_0j C_0j and A^-T = C / det A. Each cofactor is a difference
// of products good to 1.5 units in the last place, so digits can be lost only where the terms of the determinant
// cancel. The matrix is first multiplied by a power of two, so nothing overflows (kernels/slogdet_cofactors.h).
//
// Method for all others: Gaussian elimination with partial pivoting, P A = L U (Golub & Van Loan, Matrix Computations,
// 4th ed., 3.4), det A = (-1)^exchanges u_00 u_11 ..., A^-T = P^T L^-T U^-T. The product of the pivots is kept as
// mantissa and exponent, so it cannot overflow and takes one logarithm a matrix.
//
// Fixed order of the elimination, the same on every device and every vector width, each step rounded to T
// (kernels/slogdet_plain.h has it as loops):
//   for k ascending: the pivot is the element of column k, from row k down, whose magnitude is largest, the first of
//     equals, NaN counting as the largest; its row and row k are exchanged; with r_k = 1 / u_kk, or 0 if u_kk is 0,
//     l_ik = a_ik r_k and a_ij = fma(-l_ik, u_kj, a_ij) for i, j > k
//   W = U^-T, rows ascending: s = 0; for k = j..i-1: s = fma(-u_ki, w_kj, s); w_ij = s r_i, and w_ii = r_i
//   Y = L^-T W, rows descending: s = w_ij; for k = i+1..n-1: s = fma(-l_ki, y_kj, s); y_ij = s
//   A^-T = P^T Y: row i of Y is the row of A^-T that row i of U was of A
//   (mantissa, exponent) is multiplied by each pivot's in turn, and made normal again after every 16th
//
// What each matrix is found to be, `state`:
//   regular          all is well
//   ill_conditioned  half of the digits may be lost: the smallest pivot is at most ill_conditioned_ratio<T> of the
//                    largest, or with cofactors the determinant at most that part of the sum of its terms' magnitudes.
//                    In float the matrix is done again in double and all results are rounded once
//   singular         a pivot, or with cofactors the determinant in double, is zero (or a pivot less than the smallest
//                    normal double): sign 0, log -infinity, and infinity in every element of the inverse transpose
//   not_finite       an element of A is infinite or NaN, or the elimination overflows double: NaN everywhere
// A matrix that is singular but for rounding is ill_conditioned. The ratio of pivots says little of a matrix whose
// rows differ in scale: diag(1, 1, 1, 1e-9) is called ill_conditioned.
//
// Complex (a complex step): pivots and signs go by the real parts, and log abs det is continued analytically.
#include "kernels/types.h"

namespace elbow::kernels {

enum class MatrixState { regular = 0, ill_conditioned = 1, singular = 2, not_finite = 3 };

/// The square root of the unit roundoff.
template <class T>
inline constexpr T ill_conditioned_ratio = T(0x1p-26);
template <>
inline constexpr float ill_conditioned_ratio<float> = 0x1p-12f;

/// CUDA keeps a matrix in the shared memory of a block, which bounds n there.
inline constexpr Index slogdet_most_on_cuda = 60;

template <class T>
struct Slogdet {
  Index batch;
  Index n;               ///< at least 1; on CUDA at most slogdet_most_on_cuda
  const T* matrix;       ///< (batch, n, n)
  T* sign;               ///< (batch): 1, -1 or 0, or NaN
  T* log_abs_det;        ///< (batch)
  T* state;              ///< (batch): a MatrixState, as a number
  T* inverse_transpose;  ///< (batch, n, n), or null if it is not wanted
};

namespace cpu {
template <class T>
void run(const Slogdet<T>&);  // float, double, Complex
}
namespace cuda {
template <class T>
void run(const Slogdet<T>&);  // float, double
}

}  // namespace elbow::kernels
