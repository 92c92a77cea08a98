#include "kernels/unary.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/unary.cpp"
#include "kernels/simd.h"

HWY_BEFORE_NAMESPACE();
namespace elbow::kernels::cpu::HWY_NAMESPACE {

template <class T>
void map(const Unary<T>& a) {
  with_function(a.function, [&a](auto function) {
    const T parameter = static_cast<T>(a.parameter);
    const T* const input = a.input;
    T* const output = a.output;
#pragma GCC ivdep
    for (Index i = 0; i < a.size; ++i) output[i] = function(input[i], parameter);
  });
}

ELBOW_TARGET_ENTRY(unary_float, Unary<float>, map)
ELBOW_TARGET_ENTRY(unary_double, Unary<double>, map)

}  // namespace elbow::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace elbow::kernels::cpu {

ELBOW_DISPATCH(unary_float, Unary<float>)
ELBOW_DISPATCH(unary_double, Unary<double>)
template <>
void run(const Unary<Complex>& a) {
  with_function(a.function, [&a](auto function) {
    for (Index i = 0; i < a.size; ++i) a.output[i] = function(a.input[i], Complex(a.parameter));
  });
}

}  // namespace elbow::kernels::cpu
#endif
