#include "kernels/adam.h"

#include "kernels/launch.cuh"

namespace elbow::kernels::cuda {

template <class T>
__global__ void adam(Adam<T> a, AdamConstants<T> constants) {
  for (Index i = global_index(); i < a.size; i += global_threads()) {
    adam_update(constants, a.gradient[i], a.parameter[i], a.first_moment[i], a.second_moment[i]);
  }
}

template <class T>
void run(const Adam<T>& a) {
  launch("adam", adam<T>, per_element(a.size), a, AdamConstants<T>(a));
}

template void run(const Adam<float>&);
template void run(const Adam<double>&);

}  // namespace elbow::kernels::cuda
