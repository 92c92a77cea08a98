#pragma once
// The local IMA contrast (Gresele et al. 2021, eq. 9) of square Jacobians J, one a sample, with its gradient:
//   c_ima[b] = sum_k log ‖J[:,k]‖ - log abs det J = -log abs det N,   N[:,k] = J[:,k] / ‖J[:,k]‖
//   gradient = dc/dJ = (N - N^-T) diag(1 / ‖J[:,k]‖)
// in nats; not below 0 but for rounding. Written with N, since the two logarithms of the first form cancel.
//
// Method: each column is multiplied by a power of two, which c_IMA does not see, and divided by its norm; the
// determinant and the inverse of N are found by cofactors (kernels/slogdet_cofactors.h). A float sample whose
// determinant's terms cancel is done again in double and rounded once. A singular J: infinity in c_ima, and in the
// gradient infinity or NaN. A column of zeros, or an element that is not finite: NaN.
#include "kernels/types.h"

namespace elbow::kernels {

inline constexpr Index c_ima_smallest = 2, c_ima_largest = 3;

template <class T>
struct CIma {
  Index batch;
  Index n;            ///< c_ima_smallest to c_ima_largest; of one column it is 0 by definition
  const T* tangents;  ///< (n, batch, n): J[c, k] of sample b at [k, b, c], as forward mode leaves them
  T* c_ima;           ///< (batch)
  T* gradient;        ///< like tangents; null if it is not wanted
};

namespace cpu {
template <class T>
void run(const CIma<T>&);  // float, double
}
namespace cuda {
template <class T>
void run(const CIma<T>&);  // float, double
}

}  // namespace elbow::kernels
