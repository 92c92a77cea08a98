#include "kernels/adam.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/adam.cpp"
#include "kernels/simd.h"

HWY_BEFORE_NAMESPACE();
namespace elbow::kernels::cpu::HWY_NAMESPACE {

template <class T>
void adam(const Adam<T>& a) {
  const AdamConstants<T> constants(a);
  const T* const gradient = a.gradient;
  T* const parameter = a.parameter;
  T* const m = a.first_moment;
  T* const v = a.second_moment;
#pragma GCC ivdep
  for (Index i = 0; i < a.size; ++i) adam_update(constants, gradient[i], parameter[i], m[i], v[i]);
}

ELBOW_TARGET_ENTRY(adam_float, Adam<float>, adam)
ELBOW_TARGET_ENTRY(adam_double, Adam<double>, adam)

}  // namespace elbow::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace elbow::kernels::cpu {

ELBOW_DISPATCH(adam_float, Adam<float>)
ELBOW_DISPATCH(adam_double, Adam<double>)

}  // namespace elbow::kernels::cpu
#endif
