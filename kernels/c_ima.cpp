#include "kernels/c_ima.h"

#include <algorithm>

#include "kernels/c_ima_formulas.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/c_ima.cpp"
#include "kernels/simd.h"

HWY_BEFORE_NAMESPACE();
namespace elbow::kernels::cpu::HWY_NAMESPACE {

constexpr Index chunk = 256;

/// What is found of a chunk; the elements of one place lie side by side, so that the loop can be made of vectors.
template <int n, class T>
struct Found {
  T doubt[chunk];
  T gradient[n * n][chunk];
};

/// Samples [first, first + count), count at most a chunk.
template <int n, bool differentiated, class T>
void compute(const CIma<T>& a, Index first, Index count, Found<n, T>& found) {
  T* HWY_RESTRICT const c_ima = a.c_ima + first;
  for (Index i = 0; i < count; ++i) {
    const CImaOf<n, T> result = c_ima_of(columns_of<n>(a, first + i));
    c_ima[i] = result.c_ima;
    found.doubt[i] = result.doubt;
    if constexpr (differentiated) {
      for (int e = 0; e < n * n; ++e) found.gradient[e][i] = result.gradient.element[e / n][e % n];
    }
  }
}

template <int n, class T>
void store_gradients(const Found<n, T>& found, Index count, Index batch, T* gradient) {
  for (int k = 0; k < n; ++k) {
    for (Index i = 0; i < count; ++i) {
      for (int c = 0; c < n; ++c) gradient[(k * batch + i) * n + c] = found.gradient[k * n + c][i];
    }
  }
}

template <int n, class T>
void by_chunks(const CIma<T>& a) {
  Found<n, T> found;
  for (Index first = 0; first < a.batch; first += chunk) {
    const Index count = std::min(chunk, a.batch - first);
    if (a.gradient == nullptr) {
      compute<n, false>(a, first, count, found);
    } else {
      compute<n, true>(a, first, count, found);
      store_gradients(found, count, a.batch, a.gradient + first * n);
    }
    if constexpr (std::is_same_v<T, float>) {
      for (Index i = 0; i < count; ++i) {
        if (found.doubt[i] != 0) store_c_ima(a, first + i, c_ima_in_double(columns_of<n>(a, first + i)));
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
