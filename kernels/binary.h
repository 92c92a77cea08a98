#pragma once
// output[i] = function(left[i], right[i]) over a broadcast index space. Overwrites.
//
// `shape` is the shape of the output (contiguous, row-major). A stride of 0 repeats that operand along the
// axis; strides are in elements. Both operands contiguous and of the output's shape is the common, fastest
// case.
#include "kernels/math.h"

namespace elbow::kernels {

enum class BinaryFunction { add, subtract, multiply, divide, gate };

namespace binary_functions {
struct add {
  template <class T>
  ELBOW_HD T operator()(T left, T right) const {
    return left + right;
  }
};
struct subtract {
  template <class T>
  ELBOW_HD T operator()(T left, T right) const {
    return left - right;
  }
};
struct multiply {
  template <class T>
  ELBOW_HD T operator()(T left, T right) const {
    return left * right;
  }
};
struct divide {
  template <class T>
  ELBOW_HD T operator()(T left, T right) const {
    return left / right;
  }
};
/// left where right > 0, else 0.
struct gate {
  template <class T>
  ELBOW_HD T operator()(T left, T right) const {
    return math::positive(right) ? left : T(0);
  }
};
}  // namespace binary_functions

/// Calls `use(functor)` with the functor that `function` names.
template <class Use>
void with_function(BinaryFunction function, Use use) {
  switch (function) {
    case BinaryFunction::add:
      return use(binary_functions::add{});
    case BinaryFunction::subtract:
      return use(binary_functions::subtract{});
    case BinaryFunction::multiply:
      return use(binary_functions::multiply{});
    case BinaryFunction::divide:
      return use(binary_functions::divide{});
    case BinaryFunction::gate:
      return use(binary_functions::gate{});
  }
}

template <class T>
struct Binary {
  BinaryFunction function;
  Extents shape;
  Extents left_strides;
  Extents right_strides;
  const T* left;
  const T* right;
  T* output;
};

namespace cpu {
template <class T>
void run(const Binary<T>&);  // float, double, Complex
}
namespace cuda {
template <class T>
void run(const Binary<T>&);  // float, double
}

}  // namespace elbow::kernels
