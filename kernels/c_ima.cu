#include "kernels/c_ima.h"

#include "kernels/c_ima_formulas.h"
#include "kernels/launch.cuh"

namespace elbow::kernels::cuda {

template <int n>
__device__ __forceinline__ CImaOf<n, double> trusted_c_ima(const SmallMatrix<n, double>& columns) {
  return c_ima_of(columns);
}
template <int n>
__device__ __forceinline__ CImaOf<n, float> trusted_c_ima(const SmallMatrix<n, float>& columns) {
  const CImaOf<n, float> result = c_ima_of(columns);
  return result.doubt == 0 ? result : c_ima_in_double(columns);
}

template <int n, class T>
__global__ void c_ima(CIma<T> a) {
  for (Index b = global_index(); b < a.batch; b += global_threads()) {
    store_c_ima(a, b, trusted_c_ima(columns_of<n>(a, b)));
  }
}

template <class T>
void run(const CIma<T>& a) {
  if (a.n == 2) launch("c_ima", c_ima<2, T>, per_element(a.batch), a);
  if (a.n == 3) launch("c_ima", c_ima<3, T>, per_element(a.batch), a);
}

template void run(const CIma<float>&);
template void run(const CIma<double>&);

}  // namespace elbow::kernels::cuda
