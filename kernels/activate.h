// Activations of many numbers, for loops that g++ makes vectors of.
// Included once for each instruction set (kernels/simd.h), hence the unusual guard.
#if defined(ELBOW_KERNELS_ACTIVATE) == defined(HWY_TARGET_TOGGLE)
#ifdef ELBOW_KERNELS_ACTIVATE
#undef ELBOW_KERNELS_ACTIVATE
#else
#define ELBOW_KERNELS_ACTIVATE
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <type_traits>

#include "kernels/activations.h"

HWY_BEFORE_NAMESPACE();
namespace elbow::kernels::HWY_NAMESPACE {
namespace {

inline constexpr Index activate_length = 16;  ///< of a row

/// What value and slope have in common, of a row.
template <class Common>
struct CommonRow {
  Common of[activate_length];
  HWY_INLINE void set(Index i, Common c) { of[i] = c; }
  HWY_INLINE Common operator[](Index i) const { return of[i]; }
};
template <>
struct CommonRow<math::Pair> {
  float high[activate_length];
  float low[activate_length];
  HWY_INLINE void set(Index i, math::Pair c) {
    high[i] = c.high;
    low[i] = c.low;
  }
  HWY_INLINE math::Pair operator[](Index i) const { return {high[i], low[i]}; }
};

/// Without anything dear.
template <class Function>
constexpr bool is_short =
    std::is_same_v<Function, activations::leaky_relu> || std::is_same_v<Function, activations::relu> ||
    std::is_same_v<Function, activations::identity>;

/// Replaces x in `rows` rows, `stride` apart, by f(x, parameter); slope (rows, activate_length) becomes f's. In three passes
/// unless f is short: the chain of one element's operations would be too long for the processor to have enough of them on the
/// way at once.
template <class Function, class T>
void activate(Function, T parameter, Index rows, Index stride, T* HWY_RESTRICT x, T* HWY_RESTRICT slope) {
  constexpr Index length = activate_length, block = 16;
  HWY_ALIGN CommonRow<decltype(Function::common(T()))> common[block];
  for (Index first = 0; first < rows; first += block, x += block * stride, slope += block * length) {
    const Index count = std::min(block, rows - first);
    const auto for_elements = [&](const auto& use) HWY_ATTR {
      for (Index row = 0; row < count; ++row) {
#pragma GCC unroll 1  // g++ would unroll a short formula before it looks for vectors
        for (Index i = 0; i < length; ++i) use(x[row * stride + i], slope[row * length + i], common[row], i);
      }
    };
    if constexpr (is_short<Function>) {
      for_elements([=](T& value, T& s, auto&, Index) HWY_ATTR {
        const ValueAndSlope<T> found = Function()(value, parameter);
        value = found.value;
        s = found.slope;
      });
      continue;
    }
    for_elements([](T& value, T&, auto& c, Index i) HWY_ATTR { c.set(i, Function::common(value)); });
    for_elements([=](T& value, T& s, const auto& c, Index i)
                     HWY_ATTR { s = Function::slope(value, parameter, c[i]); });
    for_elements([=](T& value, T&, const auto& c, Index i)
                     HWY_ATTR { value = Function::value(value, parameter, c[i]); });
  }
}

}  // namespace
}  // namespace elbow::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
