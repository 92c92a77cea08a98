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

/// A table of at most `narrow` columns, whose rows follow each other: 16 of them are one long row, with an accumulator for each
/// of its elements.
constexpr Index narrow = 32;

template <class T>
void sum_narrow(const T* input, Index length, Index inner, T* output) {
  Accumulator<T> total[sum_lanes * narrow];
  const Index step = sum_lanes * inner;
  std::fill_n(total, step, Accumulator<T>());
  for (; length >= sum_lanes; length -= sum_lanes, input += step) {
    for (Index e = 0; e < step; ++e) total[e] += Accumulator<T>(input[e]);
  }
  for (Index e = 0; e < length * inner; ++e) total[e] += Accumulator<T>(input[e]);
  for (Index half = sum_lanes / 2; half > 0; half /= 2) {
    for (Index e = 0; e < half * inner; ++e) total[e] += total[e + half * inner];
  }
  for (Index c = 0; c < inner; ++c) output[c] = static_cast<T>(total[c]);
}

/// The first `columns` columns, at most `narrow`, of (length, inner), each summed down its column.
template <class T>
void sum_columns(const T* input, Index length, Index inner, Index columns, T* output) {
  Accumulator<T> lane[sum_lanes][narrow];
  const Index used = std::min<Index>(length, sum_lanes);  // the others would only add zeros
  const auto for_columns = [&](auto use) {
    if (columns == narrow) {  // a constant, which g++ unrolls
      for (Index c = 0; c < narrow; ++c) use(c);
    } else {
      for (Index c = 0; c < columns; ++c) use(c);
    }
  };
  for (Index p = 0; p < used; ++p) {
    for_columns([&](Index c) { lane[p][c] = Accumulator<T>() + Accumulator<T>(input[p * inner + c]); });
  }
  for (Index k = used; k < length; ++k) {
    for_columns([&](Index c) { lane[k % sum_lanes][c] += Accumulator<T>(input[k * inner + c]); });
  }
  for (Index half = sum_lanes / 2; half > 0; half /= 2) {
    for (Index p = 0; p < half && p + half < used; ++p) {
      for_columns([&](Index c) { lane[p][c] += lane[p + half][c]; });
    }
  }
  for_columns([&](Index c) { output[c] = used > 0 ? static_cast<T>(lane[0][c]) : T(0); });
}

template <class T>
void sum(const Sum<T>& a) {
  for (Index o = 0; o < a.outer; ++o) {
    const T* input = a.input + o * a.length * a.inner;
    T* output = a.output + o * a.inner;
    if (a.inner == 1) {
      *output = static_cast<T>(sum_row(input, a.length));
    } else if (a.inner <= narrow) {
      sum_narrow(input, a.length, a.inner, output);
    } else {
      for (Index c = 0; c < a.inner; c += narrow) {
        sum_columns(input + c, a.length, a.inner, std::min(narrow, a.inner - c), output + c);
      }
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
