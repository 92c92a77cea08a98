// Factors and inverses of a matrix in each lane of a vector, in the order of kernels/slogdet.h.
// Included once for each instruction set (kernels/simd.h), hence the unusual guard.
#if defined(ELBOW_KERNELS_SLOGDET_FACTOR) == defined(HWY_TARGET_TOGGLE)
#ifdef ELBOW_KERNELS_SLOGDET_FACTOR
#undef ELBOW_KERNELS_SLOGDET_FACTOR
#else
#define ELBOW_KERNELS_SLOGDET_FACTOR
#endif

#include <hwy/cache_control.h>

#include <type_traits>
#include <utility>

#include "kernels/interleave.h"
#include "kernels/slogdet_formulas.h"

/// After the parameters of a lambda: it is compiled for the target and always inlined.
#undef ELBOW_INLINED
#define ELBOW_INLINED HWY_ATTR __attribute__((always_inline))

HWY_BEFORE_NAMESPACE();
#if HWY_TARGET != HWY_SCALAR
namespace elbow::kernels::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

/// PivotProduct of kernels/slogdet_formulas.h, of a matrix in each lane.
template <class D>
struct Products {
  using T = Scalar<D>;
  using V = hn::Vec<D>;
  using I = hn::Vec<Integers<D>>;
  V mantissa;
  I exponent, smallest, largest;

  /// Before the first of n pivots. The bias of all exponents that will be added is subtracted here, once.
  HWY_INLINE void start(D d, int n) {
    const Integers<D> di;
    mantissa = hn::Set(d, T(1));
    exponent = hn::Set(di, static_cast<BitsOf<T>>(-Layout<T>::bias * (n + n / pivots_per_scaling)));
    smallest = hn::Set(di, Layout<T>::magnitude_mask);
    largest = hn::Zero(di);
  }
  /// As multiply(PivotProduct&, ...).
  HWY_INLINE void multiply(D d, int k, V pivot, hn::Mask<D> exchanged) {
    const Integers<D> di;
    const V next = normal(d, pivot);
    mantissa = hn::Mul(mantissa, hn::IfThenElse(exchanged, hn::Neg(next), next));
    const I magnitude = hn::And(hn::BitCast(di, pivot), hn::Set(di, Layout<T>::magnitude_mask));
    smallest = hn::Min(smallest, magnitude);
    largest = hn::Max(largest, magnitude);
    if (k % pivots_per_scaling == pivots_per_scaling - 1) mantissa = normal(d, mantissa);
  }

 private:
  /// The mantissa of x; its exponent is added to ours.
  HWY_INLINE V normal(D d, V x) {
    const Integers<D> di;
    const I bits = hn::BitCast(di, x);
    const I field = hn::And(bits, hn::Set(di, Layout<T>::infinity));
    exponent = hn::Add(exponent, hn::ShiftRight<Layout<T>::mantissa_bits>(field));
    return hn::BitCast(
        d, hn::Or(hn::AndNot(hn::Set(di, Layout<T>::infinity), bits), hn::Set(di, bits_of_one<T>)));
  }
};

/// The matrices of a group, a vector for each element, and what is found of them. `fixed` is n where the compiler is to
/// know it, else 0.
template <class D, int fixed_>
struct Group {
  static constexpr int fixed = fixed_;
  hn::Vec<D>* a;           ///< (n, n): A, then L below and U above
  hn::Vec<D>* y;           ///< (n, n): the inverse transpose, its rows permuted; null if it is not wanted
  hn::Vec<D>* reciprocal;  ///< (n): of the pivots
  hn::Vec<D>* row;         ///< (n), bits of integers: which row of A each row of the factors was
  hn::Mask<D>* here;       ///< (n): which lanes have the pivot of the current step in that row
};

/// Up to this n all loops are unrolled, which puts the elements into registers. What sanitizers make of unrolled loops
/// takes minutes to compile.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr int unrolled_up_to = 0;
#else
inline constexpr int unrolled_up_to = 8;
#endif

/// body(k) for k in [0, n); unrolled if it is small.
template <int fixed, class Body>
HWY_INLINE void for_steps(int n, const Body& body) {
  if constexpr (fixed > 0 && fixed <= unrolled_up_to) {
    [&body]<int... k>(std::integer_sequence<int, k...>) ELBOW_INLINED {
      (body(std::integral_constant<int, k>()), ...);
    }
    (std::make_integer_sequence<int, fixed>());
  } else {
    for (int k = 0; k < n; ++k) body(k);
  }
}

inline constexpr bool has_mask_registers = HWY_TARGET <= HWY_AVX3;

/// body(width, j) for blocks of neighbouring columns that together are [first, end).
template <class Body>
HWY_INLINE void for_blocks(int first, int end, const Body& body) {
  int j = first;
  if constexpr (has_mask_registers) {  // and enough others
    for (; j + 8 <= end; j += 8) body(std::integral_constant<int, 8>(), j);
  }
  for (; j + 4 <= end; j += 4) body(std::integral_constant<int, 4>(), j);
  for (; j + 2 <= end; j += 2) body(std::integral_constant<int, 2>(), j);
  if (j < end) body(std::integral_constant<int, 1>(), j);
}

/// Finds the row, from k down, that holds each lane's pivot.
template <class D, int fixed>
HWY_INLINE void find_pivot(D d, int n, const Group<D, fixed>& group, int k) {
  const Integers<D> di;
  const auto mask = hn::Set(di, Layout<Scalar<D>>::magnitude_mask);
  const hn::Vec<D>* const column = group.a + k;
  auto largest = hn::And(hn::BitCast(di, column[k * n]), mask);
  auto pivot = hn::Set(di, k);
  for (int i = k + 1; i < n; ++i) {
    const auto magnitude = hn::And(hn::BitCast(di, column[i * n]), mask);
    pivot = hn::IfThenElse(hn::Gt(magnitude, largest), hn::Set(di, i), pivot);
    largest = hn::Max(magnitude, largest);
  }
  for (int i = k; i < n; ++i) group.here[i] = hn::RebindMask(d, hn::Eq(pivot, hn::Set(di, i)));
}

/// Exchanges element k of a column with that of each lane's pivot, by selecting. Without mask registers a selection is
/// dear, and zeros and exclusive or are cheaper.
template <class D>
struct Exchange {
  using V = hn::Vec<D>;
  using M = hn::Mask<D>;
  V upper;  ///< element k as it was
  V pivot;  ///< the elements of the pivots, once all below k have been looked at
  V both;   ///< exclusive or

  HWY_INLINE void start(M pivot_is_k, V element) {
    upper = element;
    pivot = has_mask_registers ? element : hn::IfThenElseZero(pivot_is_k, element);
  }
  HWY_INLINE void look_at(M here, V element) {
    pivot = has_mask_registers ? hn::IfThenElse(here, element, pivot)
                               : hn::Or(pivot, hn::IfThenElseZero(here, element));
  }
  HWY_INLINE void finish() { both = hn::Xor(upper, pivot); }
  HWY_INLINE V exchanged(M here, V element) const {
    return has_mask_registers ? hn::IfThenElse(here, upper, element)
                              : hn::Xor(element, hn::IfThenElseZero(here, both));
  }
};

/// Asks for `length` elements.
template <class T>
HWY_INLINE void fetch(const T* from, int length) {
  for (int i = 0; i < length; i += 64 / sizeof(T)) hwy::Prefetch(from + i);
}

/// Fetches the matrices of the following group a little at a time: what is asked for at once has to queue.
template <class T>
struct Ahead {
  const T* at;
  int share;

  HWY_INLINE void fetch_share() {
    fetch(at, share);
    at += share;
  }
};

/// Exchanges row k and each lane's pivot's of `width` neighbouring columns, whose rows lie `stride` apart. Below row k,
/// that row's multiples are then subtracted if there are factors, a column beside them.
template <int width, bool subtracts, class D>
HWY_INLINE void exchange(int n, hn::Vec<D>* columns, int stride, const hn::Mask<D>* here, int k,
                         const hn::Vec<D>* factors, Ahead<Scalar<D>>& ahead) {
  Exchange<D> exchange[width];
  HWY_UNROLL(8)
  for (int c = 0; c < width; ++c) exchange[c].start(here[k], columns[k * stride + c]);
  for (int i = k + 1; i < n; ++i) {
    const auto here_i = here[i];
    HWY_UNROLL(8)
    for (int c = 0; c < width; ++c) exchange[c].look_at(here_i, columns[i * stride + c]);
  }
  HWY_UNROLL(8)
  for (int c = 0; c < width; ++c) {
    exchange[c].finish();
    columns[k * stride + c] = exchange[c].pivot;
  }
  for (int i = k + 1; i < n; ++i) {
    const auto here_i = here[i];
    const auto factor = factors[subtracts ? i * stride : 0];
    if constexpr (subtracts) ahead.fetch_share();
    HWY_UNROLL(8)
    for (int c = 0; c < width; ++c) {
      const auto element = exchange[c].exchanged(here_i, columns[i * stride + c]);
      columns[i * stride + c] = subtracts ? hn::NegMulAdd(factor, exchange[c].pivot, element) : element;
    }
  }
}

/// Meanwhile the following group is fetched, whose matrices are at `following`.
template <class D, int fixed, class T = Scalar<D>>
HWY_INLINE Products<D> factor(D d, int n, const Group<D, fixed>& group, const T* following) {
  Ahead<T> ahead{following, 12 * lanes_of(d) / n + 1};  // the blocks of columns have about n^3 / 12 rows
  Products<D> products;
  products.start(d, n);
  hn::Vec<D>* const a = group.a;
  const hn::Mask<D>* const here = group.here;
  for_steps<fixed>(n, [&](const int k) ELBOW_INLINED {
    find_pivot(d, n, group, k);
    exchange<1, false, D>(n, a + k, n, here, k, a, ahead);
    if (group.y != nullptr) {
      exchange<1, false, D>(n, group.row, 1, here, k, a, ahead);
      for_blocks(0, k, [&](auto width, const int j) ELBOW_INLINED {
        exchange<width, false, D>(n, a + j, n, here, k, a, ahead);
      });
    }
    const auto top = a[k * n + k];
    products.multiply(d, k, top, hn::Not(here[k]));
    const auto reciprocal =
        hn::IfThenZeroElse(hn::Eq(top, hn::Zero(d)), hn::Div(hn::Set(d, Scalar<D>(1)), top));
    group.reciprocal[k] = reciprocal;
    for (int i = k + 1; i < n; ++i) a[i * n + k] = hn::Mul(a[i * n + k], reciprocal);
    for_blocks(k + 1, n, [&](auto width, const int j) ELBOW_INLINED {
      exchange<width, true, D>(n, a + j, n, here, k, a + k, ahead);
    });
  });
  return products;
}

// --- Inverse

/// y_ij = s after s = y_ij; for k in [first, end): s = fma(-a_ki, y_kj, s); for columns j, ..., j + width - 1.
template <int width, class D, int fixed>
HWY_INLINE void subtract_products(D, int n, const Group<D, fixed>& group, int i, int j, int first, int end) {
  hn::Vec<D> s[width];
  HWY_UNROLL(8)
  for (int c = 0; c < width; ++c) s[c] = group.y[i * n + j + c];
  for (int k = first; k < end; ++k) {
    const auto factor = group.a[k * n + i];
    HWY_UNROLL(8)
    for (int c = 0; c < width; ++c) s[c] = hn::NegMulAdd(factor, group.y[k * n + j + c], s[c]);
  }
  HWY_UNROLL(8)
  for (int c = 0; c < width; ++c) group.y[i * n + j + c] = s[c];
}

/// Y = L^-T U^-T. Meanwhile the place `to` where it will be stored is fetched.
template <class D, int fixed, class T = Scalar<D>>
HWY_INLINE void invert(D d, int n, const Group<D, fixed>& group, const T* to) {
  hn::Vec<D>* const y = group.y;
  for_steps<fixed>(n, [&](const int i) ELBOW_INLINED {
    fetch(to + i * n * lanes_of(d), n * lanes_of(d));
    for (int j = 0; j < n; ++j) y[i * n + j] = hn::Zero(d);
    for (int j = 0; j < i; ++j) {
      subtract_products<1>(d, n, group, i, j, j, i);
      y[i * n + j] = hn::Mul(y[i * n + j], group.reciprocal[i]);
    }
    y[i * n + i] = group.reciprocal[i];
  });
  for_steps<fixed>(n, [&](const int step) ELBOW_INLINED {
    const int i = n - 1 - step;
    for_blocks(0, n, [&](auto width, const int j) ELBOW_INLINED {
      subtract_products<width>(d, n, group, i, j, i + 1, n);
    });
  });
}

/// A^-T = P^T Y, matrix after matrix.
template <class D, int fixed, class T = Scalar<D>>
HWY_INLINE void store_inverse(D d, int n, const Group<D, fixed>& group, T* to) {
  if (n == 1) return hn::StoreU(group.y[0], d, to);
  const Integers<D> di;
  const auto matrix = hn::Mul(hn::Iota(di, 0), hn::Set(di, n * n));
  HWY_ALIGN hn::TFromD<Integers<D>> place[lanes_of(d)];
  for (int i = 0; i < n; ++i) {
    hn::Store(hn::Add(matrix, hn::Mul(hn::BitCast(di, group.row[i]), hn::Set(di, n))), di, place);
    lay_apart(d, group.y + i * n, n, place, to);
  }
}

}  // namespace
}  // namespace elbow::kernels::HWY_NAMESPACE
#endif
HWY_AFTER_NAMESPACE();

#endif
