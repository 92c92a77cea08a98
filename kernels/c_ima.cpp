#include "kernels/c_ima.h"

#include <algorithm>

#include "kernels/c_ima_formulas.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/c_ima.cpp"
#include "kernels/simd.h"

HWY_BEFORE_NAMESPACE();
namespace elbow::kernels::cpu::HWY_NAMESPACE {

/// Samples [first, first + count); doubt[i] is that of sample first + i.
template <int n, class T>
void compute(const CIma<T>& a, Index first, Index count, T* HWY_RESTRICT doubt) {
  T* HWY_RESTRICT const c_ima = a.c_ima + first;
  for (Index i = 0; i < count; ++i) {
    const CImaOf<n, T> result = c_ima_of(columns_of<n>(a, first + i));
    c_ima[i] = result.c_ima;
    doubt[i] = result.doubt;
  }
}

template <int n, class T>
void compute_with_gradient(const CIma<T>& a, Index first, Index count, T* HWY_RESTRICT doubt) {
  for (Index i = 0; i < count; ++i) {
    const CImaOf<n, T> result = c_ima_of(columns_of<n>(a, first + i));
    store_c_ima(a, first + i, result);
    doubt[i] = result.doubt;
  }
}

template <int n, class T>
void by_chunks(const CIma<T>& a) {
  constexpr Index chunk = 256;
  T doubt[chunk];
  for (Index first = 0; first < a.batch; first += chunk) {
    const Index count = std::min(chunk, a.batch - first);
    if (a.gradient == nullptr) {
      compute<n>(a, first, count, doubt);
    } else {
      compute_with_gradient<n>(a, first, count, doubt);
    }
    if constexpr (std::is_same_v<T, float>) {
      for (Index i = 0; i < count; ++i) {
        if (doubt[i] != 0) store_c_ima(a, first + i, c_ima_in_double(columns_of<n>(a, first + i)));
      }
    }
  }
}

template <class T>
void c_ima(const CIma<T>& a) {
  if (a.n == 2) by_chunks<2>(a);
  if (a.n == 3) by_chunks<3>(a);
}

ELBOW_TARGET_ENTRY(c_ima_float, CIma<float>, c_ima)
ELBOW_TARGET_ENTRY(c_ima_double, CIma<double>, c_ima)

}  // namespace elbow::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace elbow::kernels::cpu {

ELBOW_DISPATCH(c_ima_float, CIma<float>)
ELBOW_DISPATCH(c_ima_double, CIma<double>)

}  // namespace elbow::kernels::cpu
#endif
