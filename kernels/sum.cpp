#include "kernels/sum.h"

#include <algorithm>
#include <type_traits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/sum.cpp"
#include "kernels/simd.h"

HWY_BEFORE_NAMESPACE();
namespace elbow::kernels::cpu::HWY_NAMESPACE {

template <class T>
using Accumulator = std::conditional_t<std::is_same_v<T, Complex>, Complex, double>;

template <class T>
Accumulator<T> sum_row(const T* input, Index length) {
  Accumulator<T> lane[sum_lanes] = {};
  Index k = 0;
  for (; k + sum_lanes <= length; k += sum_lanes) {
    for (int p = 0; p < sum_lanes; ++p) lane[p] += Accumulator<T>(input[k + p]);
  }
  for (int p = 0; k < length; ++k, ++p) lane[p] += Accumulator<T>(input[k]);
  return sum_by_halving(lane);
}

/// The first `columns` columns, at most `width`, of (length, inner), each summed down its column.
template <class T, int width>
void sum_columns(const T* input, Index length, Index inner, Index columns, T* output) {
  Accumulator<T> lane[sum_lanes][width];
  const int used = static_cast<int>(std::min<Index>(length, sum_lanes));  // the others would only add zeros
  for (int p = 0; p < std::max(used, 1); ++p) std::fill_n(lane[p], width, Accumulator<T>());
  for (Index k = 0; k < length; ++k) {
    const T* row = input + k * inner;
    Accumulator<T>* const total = lane[k % sum_lanes];
    if (columns == width) {
      for (int c = 0; c < width; ++c) total[c] += Accumulator<T>(row[c]);
    } else {
      for (int c = 0; c < columns; ++c) total[c] += Accumulator<T>(row[c]);
    }
  }
  for (int half = sum_lanes / 2; half > 0; half /= 2) {
    for (int p = 0; p < half && p + half < used; ++p) {
      for (int c = 0; c < columns; ++c) lane[p][c] += lane[p + half][c];
    }
  }
  for (int c = 0; c < columns; ++c) output[c] = static_cast<T>(lane[0][c]);
}

template <class T>
void sum(const Sum<T>& a) {
  constexpr int width = 32;
  for (Index o = 0; o < a.outer; ++o) {
    const T* input = a.input + o * a.length * a.inner;
    T* output = a.output + o * a.inner;
    if (a.inner == 1) {
      *output = static_cast<T>(sum_row(input, a.length));
      continue;
    }
    for (Index c = 0; c < a.inner; c += width) {
      sum_columns<T, width>(input + c, a.length, a.inner, std::min<Index>(width, a.inner - c), output + c);
    }
  }
}

ELBOW_TARGET_ENTRY(sum_float, Sum<float>, sum)
ELBOW_TARGET_ENTRY(sum_double, Sum<double>, sum)
ELBOW_TARGET_ENTRY(sum_complex, Sum<Complex>, sum)

}  // namespace elbow::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace elbow::kernels::cpu {

ELBOW_DISPATCH(sum_float, Sum<float>)
ELBOW_DISPATCH(sum_double, Sum<double>)
ELBOW_DISPATCH(sum_complex, Sum<Complex>)

}  // namespace elbow::kernels::cpu
#endif
