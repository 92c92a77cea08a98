#pragma once
// output[i . output_strides] = input[i . input_strides] for every i of `shape`. Overwrites what it addresses.
//
// Strides are in elements. One kernel serves transposition, broadcasting (input stride 0), slicing and
// joining. Input and output do not overlap.
#include "kernels/types.h"

namespace elbow::kernels {

template <class T>
struct Copy {
  Extents shape;
  Extents input_strides;
  Extents output_strides;
  const T* input;
  T* output;
};

namespace cpu {
template <class T>
void run(const Copy<T>&);  // float, double, Complex
}
namespace cuda {
template <class T>
void run(const Copy<T>&);  // float, double
}

}  // namespace elbow::kernels
