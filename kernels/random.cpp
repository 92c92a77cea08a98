#include "kernels/random.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/random.cpp"
#include "kernels/simd.h"

HWY_BEFORE_NAMESPACE();
namespace elbow::kernels::cpu::HWY_NAMESPACE {

template <class T>
void draw(const Random<T>& a) {
  const Index blocks = (a.columns + 3) / 4;
  for (Index r = 0; r < a.rows; ++r) {
    for (Index b = 0; b < blocks; ++b) {
      T values[4];
      random_block(a, r, b, values);
      for (Index c = 4 * b; c < a.columns && c < 4 * b + 4; ++c)
        a.output[r * a.columns + c] = values[c - 4 * b];
    }
  }
}

ELBOW_TARGET_ENTRY(random_float, Random<float>, draw)
ELBOW_TARGET_ENTRY(random_double, Random<double>, draw)

}  // namespace elbow::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace elbow::kernels::cpu {

ELBOW_DISPATCH(random_float, Random<float>)
ELBOW_DISPATCH(random_double, Random<double>)

}  // namespace elbow::kernels::cpu
#endif
