#include "kernels/slogdet.cuh"
#include "kernels/slogdet_cofactors.h"

namespace elbow::kernels::cuda {

template <class T>
void launch_by_size(const Slogdet<T>& a) {
  if (a.n <= slogdet_by_thread_up_to) {
    launch_slogdet_by_thread(a);
  } else if (a.n <= slogdet_by_lanes_up_to) {
    launch_slogdet_by_lanes(a);
  } else if (a.n <= slogdet_in_fixed_order_up_to) {
    launch_slogdet_by_warp(a);
  } else {
    launch_slogdet_by_blas(a);
  }
}

template <>
void run(const Slogdet<float>& a) {
  launch_by_size(a);
  if (a.n > largest_by_cofactors && a.n <= slogdet_in_fixed_order_up_to) launch_slogdet_in_double(a);
}

template <>
void run(const Slogdet<double>& a) {
  launch_by_size(a);
}

}  // namespace elbow::kernels::cuda
