// The determinant on the CPU: each lane of a vector has a matrix of its own. A group of as many matrices as a vector
// has lanes is interleaved, so that element (i, j) of all of them is one vector; factored with pivots that differ from
// lane to lane, by selecting instead of moving; inverted; and the inverses are laid apart again. The permutation of
// their rows costs nothing there: each lane's row is stored where it belongs. Cofactors need no pivots: a whole chunk of
// matrices is interleaved and the compiler makes vectors of a loop over them.
#include "kernels/slogdet.h"

#include <hwy/aligned_allocator.h>

#include <algorithm>
#include <vector>

#include "kernels/slogdet_plain.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/slogdet.cpp"
#include "kernels/simd.h"
//
#include "kernels/slogdet_factor.h"

#ifndef ELBOW_SLOGDET_CHUNK  // once, not for each target
#define ELBOW_SLOGDET_CHUNK
namespace elbow::kernels {
namespace {

/// Matrices that are factored before their products are summarised, so that their logarithms are one loop, and before
/// those that need it are done again in double, which bounds the memory for that.
constexpr int chunk = 256;

/// The matrices [first, first + count) of a batch.
template <class T>
Slogdet<T> part(const Slogdet<T>& a, Index first, Index count) {
  const Index size = a.n * a.n;
  return {count,
          a.n,
          a.matrix + first * size,
          a.sign + first,
          a.log_abs_det + first,
          a.state + first,
          a.inverse_transpose == nullptr ? nullptr : a.inverse_transpose + first * size};
}

}  // namespace
}  // namespace elbow::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace elbow::kernels::HWY_NAMESPACE {
namespace {

#if HWY_TARGET == HWY_SCALAR

template <class T>
bool slogdet(const Slogdet<T>& a) {
  slogdet_plain(a);
  return true;
}

#else

/// The products of a chunk.
template <class T>
struct ChunkProducts {
  HWY_ALIGN T mantissa[chunk];
  HWY_ALIGN BitsOf<T> exponent[chunk], smallest[chunk], largest[chunk];

  template <class D>
  HWY_INLINE void store(D d, const Products<D>& products, int first) {
    const Integers<D> di;
    hn::Store(products.mantissa, d, mantissa + first);
    hn::Store(products.exponent, di, exponent + first);
    hn::Store(products.smallest, di, smallest + first);
    hn::Store(products.largest, di, largest + first);
  }
};

template <class T>
HWY_INLINE bool any_irregular(const Slogdet<T>& a) {
  BitsOf<T> irregular = 0;
  for (Index b = 0; b < a.batch; ++b) irregular |= math::bits_of(a.state[b]);
  return irregular != 0;
}

/// Returns whether there is a matrix that is not regular.
template <class T>
HWY_INLINE bool summarise(const ChunkProducts<T>& products, const Slogdet<T>& a) {
  T* HWY_RESTRICT const sign = a.sign;
  T* HWY_RESTRICT const log_abs_det = a.log_abs_det;
  T* HWY_RESTRICT const state = a.state;
  for (Index b = 0; b < a.batch; ++b) {
    const Summary<T> result = summary(PivotProduct<T>{products.mantissa[b], products.exponent[b],
                                                      products.smallest[b], products.largest[b]});
    sign[b] = result.sign;
    log_abs_det[b] = result.log_abs_det;
    state[b] = result.state;
  }
  return any_irregular(a);  // a loop of its own, or g++ would vectorise neither
}

/// As many matrices as D has lanes: products, and the inverses if they are wanted.
template <class D, int fixed, class T = Scalar<D>>
HWY_INLINE Products<D> slogdet_group(D d, int n, const T* matrix, T* inverse_transpose,
                                     const Group<D, fixed>& group) {
  interleave(d, matrix, n * n, group.a);
  for (int i = 0; i < n; ++i) group.row[i] = hn::BitCast(d, hn::Set(Integers<D>(), i));
  const Products<D> products = factor(d, n, group, matrix + n * n * lanes_of(d));
  if (group.y != nullptr) {
    invert(d, n, group, inverse_transpose);
    store_inverse(d, n, group, inverse_transpose);
  }
  return products;
}

/// Fewer matrices than lanes: the last one repeated fills the group.
template <class D, class T = Scalar<D>>
HWY_NOINLINE Products<D> slogdet_partial_group(D d, int n, int count, const T* matrix, T* inverse_transpose,
                                               const Group<D, 0>& group) {
  constexpr int lanes = lanes_of(d);
  const int size = n * n;
  std::vector<T> matrices(lanes * size), inverses(lanes * size);
  for (int lane = 0; lane < lanes; ++lane) {
    std::copy_n(matrix + std::min(lane, count - 1) * size, size, &matrices[lane * size]);
  }
  const Products<D> products = slogdet_group(d, n, matrices.data(), inverses.data(), group);
  if (group.y != nullptr) std::copy_n(inverses.begin(), count * size, inverse_transpose);
  return products;
}

/// At most a chunk; returns whether a matrix is not regular.
template <class D, int fixed, class T = Scalar<D>>
HWY_INLINE bool slogdet_chunk(D d, int n, const Slogdet<T>& a, const Group<D, fixed>& group) {
  constexpr int lanes = lanes_of(d);
  ChunkProducts<T> products{};
  const auto count = static_cast<int>(a.batch);
  const int whole = count - count % lanes;
  for (int b = 0; b < whole; b += lanes) {
    const Slogdet<T> own = part(a, b, lanes);
    products.store(d, slogdet_group(d, n, own.matrix, own.inverse_transpose, group), b);
  }
  if (whole < count) {
    const Slogdet<T> rest = part(a, whole, count - whole);
    products.store(d,
                   slogdet_partial_group(d, n, count - whole, rest.matrix, rest.inverse_transpose,
                                         {group.a, group.y, group.reciprocal, group.row, group.here}),
                   whole);
  }
  return summarise(products, a);
}

/// The elements of a chunk of matrices: those of one place side by side.
template <int n>
struct Elements {
  HWY_ALIGN float at[n * n][chunk];

  void interleave_all(const Slogdet<float>& a) {
    const hn::ScalableTag<float> d;
    constexpr int lanes = lanes_of(d);
    int b = 0;
    for (; b + lanes <= a.batch; b += lanes) {
      hn::Vec<decltype(d)> group[n * n];
      interleave(d, a.matrix + b * n * n, n * n, group);
      for (int e = 0; e < n * n; ++e) hn::Store(group[e], d, at[e] + b);
    }
    for (; b < a.batch; ++b) {
      for (int e = 0; e < n * n; ++e) at[e][b] = a.matrix[b * n * n + e];
    }
  }

  void lay_all_apart(const Slogdet<float>& a) const {
    const hn::ScalableTag<float> d;
    constexpr int lanes = lanes_of(d);
    int place[lanes];
    for (int lane = 0; lane < lanes; ++lane) place[lane] = lane * n * n;
    int b = 0;
    for (; b + lanes <= a.batch; b += lanes) {
      hn::Vec<decltype(d)> group[n * n];
      for (int e = 0; e < n * n; ++e) group[e] = hn::Load(d, at[e] + b);
      if constexpr (n == 1) {
        hn::StoreU(group[0], d, a.inverse_transpose + b);
      } else {
        lay_apart(d, group, n * n, place, a.inverse_transpose + b * n * n);
      }
    }
    for (; b < a.batch; ++b) {
      for (int e = 0; e < n * n; ++e) a.inverse_transpose[b * n * n + e] = at[e][b];
    }
  }
};

template <int n, bool inverted>
HWY_INLINE void compute_by_cofactors(const Elements<n>& elements, const Slogdet<float>& a,
                                     Elements<n>& inverses) {
  float* HWY_RESTRICT const sign = a.sign;
  float* HWY_RESTRICT const log_abs_det = a.log_abs_det;
  float* HWY_RESTRICT const state = a.state;
  for (Index b = 0; b < a.batch; ++b) {
    SmallMatrix<n, float> matrix;
    for (int e = 0; e < n * n; ++e) matrix.element[e / n][e % n] = elements.at[e][b];
    const ByCofactors<n> result = by_cofactors(matrix);
    sign[b] = result.summary.sign;
    log_abs_det[b] = result.summary.log_abs_det;
    state[b] = result.summary.state;
    if constexpr (inverted) {
      for (int e = 0; e < n * n; ++e) inverses.at[e][b] = result.inverse_transpose.element[e / n][e % n];
    }
  }
}

/// At most a chunk. Never asks for double: looks after that itself.
template <int n>
HWY_NOINLINE bool slogdet_chunk_by_cofactors(const Slogdet<float>& a) {
  Elements<n> elements, inverses;
  elements.interleave_all(a);
  if (a.inverse_transpose == nullptr) {
    compute_by_cofactors<n, false>(elements, a, inverses);
  } else {
    compute_by_cofactors<n, true>(elements, a, inverses);
    inverses.lay_all_apart(a);
  }
  if (any_irregular(a)) {
    for (Index b = 0; b < a.batch; ++b) {
      if (!again_in_double(a.state[b])) continue;
      const Slogdet<float> one = part(a, b, 1);
      slogdet_by_cofactors<n>(one, 0, one.matrix, one.inverse_transpose);
    }
  }
  return false;
}

/// n known to the compiler: the group is in registers, or where it is too large in the first-level cache.
template <int n, class T>
HWY_NOINLINE bool slogdet_of_size(const Slogdet<T>& a) {
  using D = hn::ScalableTag<T>;
  hn::Vec<D> matrix[n * n], y[n * n], reciprocal[n], row[n];
  hn::Mask<D> here[n];
  if (a.inverse_transpose == nullptr) {
    return slogdet_chunk(D(), n, a, Group<D, n>{matrix, nullptr, reciprocal, row, here});
  }
  return slogdet_chunk(D(), n, a, Group<D, n>{matrix, y, reciprocal, row, here});
}

template <class T>
HWY_NOINLINE bool slogdet_of_any_size(const Slogdet<T>& a) {
  using D = hn::ScalableTag<T>;
  using Vector = hn::Vec<D>;
  constexpr Index lanes = lanes_of(D());
  const int n = static_cast<int>(a.n);
  const int size = n * n;
  const auto storage = hwy::AllocateAligned<T>((2 * size + 3 * n) * lanes);
  Vector* const matrix = reinterpret_cast<Vector*>(storage.get());
  Vector* const y = matrix + size;
  Vector* const reciprocal = y + size;
  const Group<D, 0> group{matrix, a.inverse_transpose == nullptr ? nullptr : y, reciprocal, reciprocal + n,
                          reinterpret_cast<hn::Mask<D>*>(reciprocal + 2 * n)};
  return slogdet_chunk(D(), n, a, group);
}

template <int n>
HWY_INLINE bool slogdet_of_fixed_size(const Slogdet<float>& a) {
  if constexpr (n <= largest_by_cofactors) {
    return slogdet_chunk_by_cofactors<n>(a);
  } else {
    return slogdet_of_size<n>(a);
  }
}

/// Those n that the compiler is told, which makes them faster, and takes it a while.
template <int... n>
HWY_INLINE bool slogdet_of_sizes(const Slogdet<float>& a, std::integer_sequence<int, n...>) {
  bool irregular = false;
  const bool found = ((a.n == n && (irregular = slogdet_of_fixed_size<n>(a), true)) || ...);
  return found ? irregular : slogdet_of_any_size(a);
}

bool slogdet(const Slogdet<float>& a) {
  return slogdet_of_sizes(a, std::integer_sequence<int, 1, 2, 3, 4, 5, 6, 7, 8, 16>());
}
bool slogdet(const Slogdet<double>& a) { return slogdet_of_any_size(a); }

#endif

bool slogdet_float(const Slogdet<float>& a) { return slogdet(a); }
bool slogdet_double(const Slogdet<double>& a) { return slogdet(a); }

}  // namespace
}  // namespace elbow::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace elbow::kernels {

HWY_EXPORT(slogdet_float);
HWY_EXPORT(slogdet_double);

namespace {

/// Puts infinities or NaN into the inverse transpose of matrices that have none.
void fill_missing_inverses(const Slogdet<double>& a) {
  if (a.inverse_transpose == nullptr) return;
  for (Index b = 0; b < a.batch; ++b) {
    const MatrixState state = state_of(a.state[b]);
    if (!has_inverse(state)) {
      std::fill_n(a.inverse_transpose + b * a.n * a.n, a.n * a.n, no_inverse<double>(state));
    }
  }
}

/// Calls use(part) with one chunk after the other.
template <class T, class Use>
void for_chunks(const Slogdet<T>& a, Use use) {
  for (Index first = 0; first < a.batch; first += chunk) {
    use(part(a, first, std::min<Index>(chunk, a.batch - first)));
  }
}

void run_in_double(const Slogdet<double>& a) {
  for_chunks(a, [](const Slogdet<double>& part) {
    if (HWY_DYNAMIC_DISPATCH(slogdet_double)(part)) fill_missing_inverses(part);
  });
}

/// Does those matrices again in double that float cannot be trusted with.
void refine(const Slogdet<float>& a) {
  std::vector<Index> chosen;
  for (Index b = 0; b < a.batch; ++b) {
    if (again_in_double(a.state[b])) chosen.push_back(b);
  }
  const Index size = a.n * a.n;
  const auto count = static_cast<Index>(chosen.size());
  const bool inverse = a.inverse_transpose != nullptr;
  std::vector<double> matrices(count * size), inverses(inverse ? count * size : 0);
  std::vector<double> sign(count), log_abs_det(count), state(count);
  for (Index i = 0; i < count; ++i) std::copy_n(a.matrix + chosen[i] * size, size, &matrices[i * size]);
  run_in_double({count, a.n, matrices.data(), sign.data(), log_abs_det.data(), state.data(),
                 inverse ? inverses.data() : nullptr});
  for (Index i = 0; i < count; ++i) {
    const Index b = chosen[i];
    const Summary<float> result = refined({sign[i], log_abs_det[i], state[i]});
    a.sign[b] = result.sign;
    a.log_abs_det[b] = result.log_abs_det;
    a.state[b] = result.state;
    for (Index j = 0; inverse && j < size; ++j) {
      a.inverse_transpose[b * size + j] = static_cast<float>(inverses[i * size + j]);
    }
  }
}

}  // namespace

namespace cpu {

template <>
void run(const Slogdet<double>& a) {
  run_in_double(a);
}

template <>
void run(const Slogdet<float>& a) {
  for_chunks(a, [](const Slogdet<float>& part) {
    if (HWY_DYNAMIC_DISPATCH(slogdet_float)(part)) refine(part);
  });
}

template <>
void run(const Slogdet<Complex>& a) {
  slogdet_plain(a);
}

}  // namespace cpu
}  // namespace elbow::kernels
#endif
