#include "kernels/gram.h"

#include "kernels/math.h"
#include "kernels/sum.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/gram.cpp"
#include "kernels/simd.h"

HWY_BEFORE_NAMESPACE();
namespace elbow::kernels::cpu::HWY_NAMESPACE {

/// A product of two floats is exact in double, so fma adds what a product and a sum would.
template <class T>
double product(const T* left, const T* right, Index count) {
  double lanes[sum_lanes] = {};
  Index i = 0;
  for (; i + sum_lanes <= count; i += sum_lanes) {
    for (int p = 0; p < sum_lanes; ++p)
      lanes[p] = math::fma(double{left[i + p]}, double{right[i + p]}, lanes[p]);
  }
  for (int p = 0; i < count; ++i, ++p) lanes[p] = math::fma(double{left[i]}, double{right[i]}, lanes[p]);
  return sum_by_halving(lanes);
}

template <class T>
void gram(const Gram<T>& a) {
  const Index d = a.directions;
  const auto column = [&](Index k, Index b) { return a.tangents + (k * a.batch + b) * a.columns; };
  for (Index b = 0; b < a.batch; ++b) {
    double* const own = a.gram + b * d * d;
    for (Index k = 0; k < d; ++k) {
      for (Index l = 0; l <= k; ++l) {
        own[k * d + l] = own[l * d + k] = product(column(k, b), column(l, b), a.columns);
      }
      const T* const tangent = column(k, b);
      double* const total = a.total + k * a.columns;
      for (Index i = 0; i < a.columns; ++i) total[i] += double{tangent[i]};
    }
  }
}

ELBOW_TARGET_ENTRY(gram_float, Gram<float>, gram)

}  // namespace elbow::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace elbow::kernels::cpu {

ELBOW_DISPATCH(gram_float, Gram<float>)

}  // namespace elbow::kernels::cpu
#endif
