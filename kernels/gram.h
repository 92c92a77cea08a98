#pragma once
// What is measured of Jacobians whose columns are tangents, (directions, batch, columns), in float64 and on the CPU alone:
//
//   gram[b, k, l] = sum over i of tangents[k, b, i] tangents[l, b, i]    overwrites; in the order of kernels/sum.h
//   total[k, i] += tangents[k, b, i]                                     b ascending
#include "kernels/types.h"

namespace elbow::kernels {

template <class T>
struct Gram {
  Index directions;
  Index batch;
  Index columns;
  const T* tangents;
  double* gram;   ///< (batch, directions, directions)
  double* total;  ///< (directions, columns)
};

namespace cpu {
template <class T>
void run(const Gram<T>&);  // float
}

}  // namespace elbow::kernels
