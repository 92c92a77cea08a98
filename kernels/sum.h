#pragma once
// output[o, i] = sum over k of input[o, k, i], the middle axis of (outer, length, inner). Overwrites.
// An empty axis (length 0) gives 0.
//
// Fixed order, the same on every device, in float64 (Complex for Complex): 16 accumulators per output, accumulator p
// takes the terms k = p mod 16 ascending; then halving, a[p] += a[p + 8], a[p] += a[p + 4], + 2, + 1.
#include "kernels/types.h"

namespace elbow::kernels {

inline constexpr int sum_lanes = 16;

template <class T>
struct Sum {
  Index outer;
  Index length;
  Index inner;
  const T* input;
  T* output;
};

/// What the accumulators add up to; they are used up.
template <class Accumulator, int lanes>
Accumulator sum_by_halving(Accumulator (&totals)[lanes]) {
  for (int half = lanes / 2; half > 0; half /= 2) {
    for (int p = 0; p < half; ++p) totals[p] += totals[p + half];
  }
  return totals[0];
}

namespace cpu {
template <class T>
void run(const Sum<T>&);  // float, double, Complex
}
namespace cuda {
template <class T>
void run(const Sum<T>&);  // float, double
}

}  // namespace elbow::kernels
