#pragma once
// output[o, i] = sum over k of input[o, k, i], the middle axis of (outer, length, inner). Overwrites.
// An empty axis (length 0) gives 0.
//
// Fixed order, the same on every device: terms are accumulated in float64 (Complex for Complex).
// inner > 1: one accumulator per output, k ascending. inner == 1: 16 accumulators, accumulator p takes the
// terms k = p mod 16 ascending; then halving, a[p] += a[p + 8], a[p] += a[p + 4], + 2, + 1.
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

namespace cpu {
template <class T>
void run(const Sum<T>&);  // float, double, Complex
}
namespace cuda {
template <class T>
void run(const Sum<T>&);  // float, double
}

}  // namespace elbow::kernels
