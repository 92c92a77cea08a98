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
// Fixed order of the elimination, the same on every vector width and, on CUDA, up to
// n = slogdet_in_fixed_order_up_to, each step rounded to T
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
// Larger n on CUDA: cuBLAS factors and inverts by the same method, in double for float too, in an order of its own.
// Results then agree with the fixed order's within a bound, not bit for bit. Let u be the unit roundoff in which each
// of the two factors, P A = L U its factors, and |M| the magnitudes of M; products of u are left out. The factors are
// those of A + E with |E| <= n u P^T |L| |U| (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., theorem
// 9.3; multiplying by r_k makes n + 1 of n). As d log abs det A = <A^-T, dA>, either log abs det is off by at most
//   (n + 1) u sum_ij (|A^-T|)_ij (P^T |L| |U|)_ij + 2 n u
// the last for the product of pivots, and one rounding to T of the logarithm. Inverting U and solving with L, or the
// other way round, each add as much again as E does, so either inverse is off by at most
//   3 (n + 1) u |A^-1| P^T |L| |U| |A^-1|
// (Higham, section 14.3), and one rounding to T. With partial pivoting |L| <= 1 and |U| <= g max |A|, where the growth
// g is at most 2^(n-1), in practice less than n: the first bound is at most (n + 1) u n g max|A| sum |A^-1|. Where
// it is below log 2, the signs agree. The state is what is said above of pivots as rounded to T, and can differ for
// a matrix whose pivots are within roundoff of a limit, which every matrix is that is singular but for rounding. The
// first pivot that is zero or not finite decides whether a matrix is singular or not_finite; the reciprocal of a pivot
// below 2^-1024, which can overflow in the fixed order, is not taken.
// Complex (a complex step): pivots and signs go by the real parts, and log abs det is continued analytically.
#include "kernels/types.h"

namespace elbow::kernels {

enum class MatrixState { regular = 0, ill_conditioned = 1, singular = 2, not_finite = 3 };

/// The square root of the unit roundoff.
template <class T>
inline constexpr T ill_conditioned_ratio = T(0x1p-26);
template <>
inline constexpr float ill_conditioned_ratio<float> = 0x1p-12f;

/// CUDA keeps a matrix so large in the shared memory of a block, and a larger one in Slogdet::workspace.
inline constexpr Index slogdet_in_fixed_order_up_to = 60;

/// How many doubles the workspace has: those of the matrices, and with `inverted` of their inverses; and for each matrix
/// two pointers and n + 1 ints.
constexpr Index slogdet_workspace(Index batch, Index n, bool inverted) {
  if (n <= slogdet_in_fixed_order_up_to) return 0;
  return batch * ((inverted ? 2 : 1) * n * n + 2 + (n + 2) / 2);
}

template <class T>
struct Slogdet {
  Index batch;
  Index n;               ///< at least 1
  const T* matrix;       ///< (batch, n, n)
  T* sign;               ///< (batch): 1, -1 or 0, or NaN
  T* log_abs_det;        ///< (batch)
  T* state;              ///< (batch): a MatrixState, as a number
  T* inverse_transpose;  ///< (batch, n, n), or null if it is not wanted
  double* workspace =
      nullptr;  ///< on CUDA slogdet_workspace elements, what they hold does not matter; else null
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
