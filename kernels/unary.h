#pragma once
// output[i] = function(input[i]; parameter), i in [0, size). Overwrites; output may be input.
//
// The scalar formulas are the functors of kernels/unary_functions.h, shared by both twins. Derivatives are
// not kernels of their own: engine/ops composes them.
#include "kernels/types.h"
#include "kernels/unary_functions.h"

namespace elbow::kernels {

template <class T>
struct Unary {
  UnaryFunction function;
  Index size;
  double parameter;  ///< slope, factor, addend or exponent; 0 where the function has none
  const T* input;
  T* output;
};

namespace cpu {
template <class T>
void run(const Unary<T>&);  // float, double, Complex
}
namespace cuda {
template <class T>
void run(const Unary<T>&);  // float, double
}

}  // namespace elbow::kernels
