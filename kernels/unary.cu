#include "kernels/unary.h"

#include "kernels/launch.cuh"

namespace elbow::kernels::cuda {

template <class T, class Function>
__global__ void unary(Function function, T parameter, Index size, const T* input, T* output) {
  for (Index i = global_index(); i < size; i += global_threads()) output[i] = function(input[i], parameter);
}

template <class T>
void run(const Unary<T>& a) {
  with_function(a.function, [&a](auto function) {
    launch("unary", unary<T, decltype(function)>, per_element(a.size), function, static_cast<T>(a.parameter),
           a.size, a.input, a.output);
  });
}

template void run(const Unary<float>&);
template void run(const Unary<double>&);

}  // namespace elbow::kernels::cuda
