// The determinant on the CPU: each lane of a vector has a matrix of its own. A group of as many matrices as a vector
// has lanes is interleaved, so that element (i, j) of all of them is one vector; factored with pivots that differ from
// lane to lane, by selecting instead of moving; inverted; and the inverses are laid apart again. The permutation of
// their rows costs nothing there: each lane's row is stored where it belongs.
#include "kernels/slogdet.h"

#include <hwy/aligned_allocator.h>
#include <hwy/cache_control.h>

#include <algorithm>
#include <vector>

#include "kernels/slogdet_plain.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/slogdet.cpp"
// Left out: targets without fused multiply-add, and those whose vectors cannot be elements of an array.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)
#include "kernels/simd.h"

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

namespace hn = hwy::HWY_NAMESPACE;

template <class D>
constexpr int lanes_of(D) {
  return static_cast<int>(hn::MaxLanes(D()));
}
template <class D>
using Scalar = hn::TFromD<D>;
template <class D>
using Integers = hn::RebindToSigned<D>;

// --- Interleaving, in blocks of 16 bytes: element `offset` + i of every matrix, i in [0, block), is one vector

template <class T>
constexpr int block_of = 16 / sizeof(T);

/// The blocks at `from`, `from` + stride * block, ..., one after the other in a vector.
template <class D, class T = Scalar<D>>
HWY_INLINE hn::Vec<D> load_blocks(D d, const T* from, Index stride) {
  constexpr int lanes = lanes_of(d);
  if constexpr (lanes == block_of<T>) {
    return hn::LoadU(d, from);
  } else {
    const hn::Half<D> half;
    return hn::Combine(d, load_blocks(half, from + lanes / 2 * stride, stride), load_blocks(half, from, stride));
  }
}

/// Transposes each square of `block` vectors times one block.
template <class D>
HWY_INLINE void transpose_blocks(D d, hn::Vec<D> (&v)[2]) {
  const auto low = hn::InterleaveLower(d, v[0], v[1]);
  v[1] = hn::InterleaveUpper(d, v[0], v[1]);
  v[0] = low;
}
template <class D>
HWY_INLINE void transpose_blocks(D d, hn::Vec<D> (&v)[4]) {
  const hn::RepartitionToWide<D> pairs;
  const auto low01 = hn::BitCast(pairs, hn::InterleaveLower(d, v[0], v[1]));
  const auto low23 = hn::BitCast(pairs, hn::InterleaveLower(d, v[2], v[3]));
  const auto high01 = hn::BitCast(pairs, hn::InterleaveUpper(d, v[0], v[1]));
  const auto high23 = hn::BitCast(pairs, hn::InterleaveUpper(d, v[2], v[3]));
  v[0] = hn::BitCast(d, hn::InterleaveLower(pairs, low01, low23));
  v[1] = hn::BitCast(d, hn::InterleaveUpper(pairs, low01, low23));
  v[2] = hn::BitCast(d, hn::InterleaveLower(pairs, high01, high23));
  v[3] = hn::BitCast(d, hn::InterleaveUpper(pairs, high01, high23));
}

/// Elements [offset, offset + block) of matrices that lie `size` apart.
template <class D, class T = Scalar<D>>
HWY_INLINE void interleave_block(D d, const T* matrix, Index size, hn::Vec<D>* to) {
  constexpr int block = block_of<T>;
  hn::Vec<D> v[block];
  HWY_UNROLL(4)
  for (int i = 0; i < block; ++i) v[i] = load_blocks(d, matrix + i * size, size);
  transpose_blocks(d, v);
  HWY_UNROLL(4)
  for (int i = 0; i < block; ++i) to[i] = v[i];
}

/// Matrices of `size` elements that lie one after the other. The following group is fetched meanwhile.
template <class D, class T = Scalar<D>>
HWY_INLINE void interleave(D d, const T* matrix, int size, hn::Vec<D>* to) {
  constexpr int block = block_of<T>;
  constexpr int lanes = lanes_of(d);
  if (size < block) {  // n = 1
    *to = hn::LoadU(d, matrix);
    return;
  }
  const T* following = matrix + size * lanes;
  int offset = 0;
  for (; offset + block <= size; offset += block, following += block * lanes) {
    interleave_block(d, matrix + offset, size, to + offset);
    for (int line = 0; line < block * lanes; line += 64 / sizeof(T)) hwy::Prefetch(following + line);
  }
  if (offset < size) {  // a last block that overlaps the one before it
    interleave_block(d, matrix + size - block, size, to + size - block);
  }
}

/// Stores the blocks of a vector where store(first lane of the block, vector) says.
template <int first, class D, class Store>
HWY_INLINE void store_blocks(D d, hn::Vec<D> v, const Store& store) {
  constexpr int lanes = lanes_of(d);
  if constexpr (lanes == block_of<Scalar<D>>) {
    store(d, first, v);
  } else {
    const hn::Half<D> half;
    store_blocks<first>(half, hn::LowerHalf(half, v), store);
    store_blocks<first + lanes / 2>(half, hn::UpperHalf(half, v), store);
  }
}

/// `block` neighbouring elements of every matrix; those of lane l go to to + place[l].
template <class D, class T = Scalar<D>, class I>
HWY_INLINE void lay_apart_block(D d, const hn::Vec<D>* from, const I* place, T* to) {
  constexpr int block = block_of<T>;
  hn::Vec<D> v[block];
  HWY_UNROLL(4)
  for (int i = 0; i < block; ++i) v[i] = from[i];
  transpose_blocks(d, v);
  HWY_UNROLL(4)
  for (int i = 0; i < block; ++i) {
    store_blocks<0>(d, v[i], [&](auto piece, int lane, auto vector) HWY_ATTR {
      hn::StoreU(vector, piece, to + place[lane + i]);
    });
  }
}

/// A row of every matrix, `length` elements; that of lane l goes to to + place[l].
template <class D, class T = Scalar<D>, class I>
HWY_INLINE void lay_apart(D d, const hn::Vec<D>* from, Index length, const I* place, T* to) {
  constexpr int block = block_of<T>;
  Index offset = 0;
  for (; offset + block <= length; offset += block) lay_apart_block(d, from + offset, place, to + offset);
  if (offset < length) lay_apart_block(d, from + length - block, place, to + length - block);
}

// --- Factors

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
    return hn::BitCast(d, hn::Or(hn::AndNot(hn::Set(di, Layout<T>::infinity), bits),
                                 hn::Set(di, bits_of_one<T>)));
  }
};

/// The matrices of a group, a vector for each element, and what is found of them.
template <class D>
struct Group {
  hn::Vec<D>* a;                  ///< (n, n): A, then L below and U above
  hn::Vec<D>* y;                  ///< (n, n): the inverse transpose, its rows permuted; null if it is not wanted
  hn::Vec<D>* reciprocal;         ///< (n): of the pivots
  hn::Vec<Integers<D>>* row;      ///< (n): which row of A each row of the factors was
};

/// Which row, from k down, holds each lane's pivot.
template <class D>
HWY_INLINE hn::Vec<Integers<D>> find_pivot(D, int n, const hn::Vec<D>* a, int k) {
  const Integers<D> di;
  const auto mask = hn::Set(di, Layout<Scalar<D>>::magnitude_mask);
  auto largest = hn::And(hn::BitCast(di, a[k * n + k]), mask);
  auto pivot = hn::Set(di, k);
  for (int i = k + 1; i < n; ++i) {
    const auto magnitude = hn::And(hn::BitCast(di, a[i * n + k]), mask);
    pivot = hn::IfThenElse(hn::Gt(magnitude, largest), hn::Set(di, i), pivot);
    largest = hn::Max(magnitude, largest);
  }
  return pivot;
}

template <class D>
HWY_INLINE hn::Mask<D> is_row(D d, hn::Vec<Integers<D>> pivot, int i) {
  return hn::RebindMask(d, hn::Eq(pivot, hn::Set(Integers<D>(), i)));
}

/// Exchanges elements k and `pivot` of a column, whose elements lie `stride` apart.
template <class D, class V>
HWY_INLINE void exchange(D d, int n, V* column, int stride, hn::Vec<Integers<D>> pivot, int k) {
  const V old = column[k * stride];
  V top = old;
  for (int i = k + 1; i < n; ++i) {
    const auto here = is_row(d, pivot, i);
    const V element = column[i * stride];
    if constexpr (std::is_same_v<V, hn::Vec<D>>) {
      top = hn::IfThenElse(here, element, top);
      column[i * stride] = hn::IfThenElse(here, old, element);
    } else {
      const auto same = hn::RebindMask(Integers<D>(), here);
      top = hn::IfThenElse(same, element, top);
      column[i * stride] = hn::IfThenElse(same, old, element);
    }
  }
  column[k * stride] = top;
}

/// Exchanges rows k and `pivot` of columns j, ..., j + width - 1 and subtracts row k's multiples from those below.
template <int width, class D>
HWY_INLINE void eliminate(D d, int n, hn::Vec<D>* a, hn::Vec<Integers<D>> pivot, int k, int j) {
  using V = hn::Vec<D>;
  V old[width], top[width];
  HWY_UNROLL(4)
  for (int c = 0; c < width; ++c) top[c] = old[c] = a[k * n + j + c];
  for (int i = k + 1; i < n; ++i) {
    const auto here = is_row(d, pivot, i);
    HWY_UNROLL(4)
    for (int c = 0; c < width; ++c) top[c] = hn::IfThenElse(here, a[i * n + j + c], top[c]);
  }
  HWY_UNROLL(4)
  for (int c = 0; c < width; ++c) a[k * n + j + c] = top[c];
  for (int i = k + 1; i < n; ++i) {
    const auto here = is_row(d, pivot, i);
    const V factor = a[i * n + k];
    HWY_UNROLL(4)
    for (int c = 0; c < width; ++c) {
      const V element = hn::IfThenElse(here, old[c], a[i * n + j + c]);
      a[i * n + j + c] = hn::NegMulAdd(factor, top[c], element);
    }
  }
}

template <class D>
HWY_INLINE Products<D> factor(D d, int n, const Group<D>& group) {
  Products<D> products;
  products.start(d, n);
  hn::Vec<D>* const a = group.a;
  for (int k = 0; k < n; ++k) {
    const auto pivot = find_pivot(d, n, a, k);
    exchange(d, n, a + k, n, pivot, k);
    if (group.y != nullptr) {
      exchange(d, n, group.row, 1, pivot, k);
      for (int j = 0; j < k; ++j) exchange(d, n, a + j, n, pivot, k);
    }
    const auto top = a[k * n + k];
    products.multiply(d, k, top, hn::Not(is_row(d, pivot, k)));
    const auto reciprocal = hn::IfThenZeroElse(hn::Eq(top, hn::Zero(d)), hn::Div(hn::Set(d, Scalar<D>(1)), top));
    group.reciprocal[k] = reciprocal;
    for (int i = k + 1; i < n; ++i) a[i * n + k] = hn::Mul(a[i * n + k], reciprocal);
    int j = k + 1;
    for (; j + 4 <= n; j += 4) eliminate<4>(d, n, a, pivot, k, j);
    for (; j + 2 <= n; j += 2) eliminate<2>(d, n, a, pivot, k, j);
    if (j < n) eliminate<1>(d, n, a, pivot, k, j);
  }
  return products;
}

// --- Inverse

/// y_ij = s after s = y_ij; for k in [first, end): s = fma(-a_ki, y_kj, s); for columns j, ..., j + width - 1.
template <int width, class D>
HWY_INLINE void subtract_products(D, int n, const Group<D>& group, int i, int j, int first, int end) {
  hn::Vec<D> s[width];
  HWY_UNROLL(4)
  for (int c = 0; c < width; ++c) s[c] = group.y[i * n + j + c];
  for (int k = first; k < end; ++k) {
    const auto factor = group.a[k * n + i];
    HWY_UNROLL(4)
    for (int c = 0; c < width; ++c) s[c] = hn::NegMulAdd(factor, group.y[k * n + j + c], s[c]);
  }
  HWY_UNROLL(4)
  for (int c = 0; c < width; ++c) group.y[i * n + j + c] = s[c];
}

/// Y = L^-T U^-T.
template <class D>
HWY_INLINE void invert(D d, int n, const Group<D>& group) {
  hn::Vec<D>* const y = group.y;
  for (int i = 0; i < n; ++i) {
    for (int j = 0; j < n; ++j) y[i * n + j] = hn::Zero(d);
    for (int j = 0; j < i; ++j) {
      subtract_products<1>(d, n, group, i, j, j, i);
      y[i * n + j] = hn::Mul(y[i * n + j], group.reciprocal[i]);
    }
    y[i * n + i] = group.reciprocal[i];
  }
  for (int i = n - 2; i >= 0; --i) {
    int j = 0;
    for (; j + 4 <= n; j += 4) subtract_products<4>(d, n, group, i, j, i + 1, n);
    for (; j + 2 <= n; j += 2) subtract_products<2>(d, n, group, i, j, i + 1, n);
    if (j < n) subtract_products<1>(d, n, group, i, j, i + 1, n);
  }
}

/// Rows too short for a block: put in order within the vectors, then stored as one row.
template <class D, class T = Scalar<D>>
HWY_INLINE void lay_apart_small(D d, int n, const Group<D>& group, T* to) {
  constexpr int block = block_of<T>;
  constexpr int lanes = lanes_of(d);
  hn::Vec<D> ordered[block * block];
  for (auto& element : ordered) element = hn::Zero(d);
  for (int q = 0; q < n; ++q) {
    for (int j = 0; j < n; ++j) ordered[q * n + j] = group.y[j];
    for (int i = 1; i < n; ++i) {
      const auto here = is_row(d, group.row[i], q);
      for (int j = 0; j < n; ++j) {
        ordered[q * n + j] = hn::IfThenElse(here, group.y[i * n + j], ordered[q * n + j]);
      }
    }
  }
  if (n == 1) return hn::StoreU(ordered[0], d, to);
  int place[lanes];
  for (int lane = 0; lane < lanes; ++lane) place[lane] = lane * n * n;
  lay_apart(d, ordered, n * n, place, to);
}

/// A^-T = P^T Y, matrix after matrix.
template <class D, class T = Scalar<D>>
HWY_INLINE void store_inverse(D d, int n, const Group<D>& group, T* to) {
  if (n < block_of<T>) return lay_apart_small(d, n, group, to);
  const Integers<D> di;
  const auto matrix = hn::Mul(hn::Iota(di, 0), hn::Set(di, n * n));
  HWY_ALIGN hn::TFromD<Integers<D>> place[lanes_of(d)];
  for (int i = 0; i < n; ++i) {
    hn::Store(hn::Add(matrix, hn::Mul(group.row[i], hn::Set(di, n))), di, place);
    lay_apart(d, group.y + i * n, n, place, to);
  }
}

// --- A batch

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

/// Returns whether there is a matrix that is not regular.
template <class T>
HWY_INLINE bool summarise(const ChunkProducts<T>& products, const Slogdet<T>& a) {
  T* HWY_RESTRICT const sign = a.sign;
  T* HWY_RESTRICT const log_abs_det = a.log_abs_det;
  T* HWY_RESTRICT const state = a.state;
  for (Index b = 0; b < a.batch; ++b) {
    const Summary<T> result = summary(
        PivotProduct<T>{products.mantissa[b], products.exponent[b], products.smallest[b], products.largest[b]});
    sign[b] = result.sign;
    log_abs_det[b] = result.log_abs_det;
    state[b] = result.state;
  }
  BitsOf<T> irregular = 0;  // a loop of its own, or g++ would vectorise neither
  for (Index b = 0; b < a.batch; ++b) irregular |= math::bits_of(state[b]);
  return irregular != 0;
}

/// As many matrices as D has lanes: products, and the inverses if they are wanted.
template <class D, class T = Scalar<D>>
HWY_INLINE Products<D> slogdet_group(D d, int n, const T* matrix, T* inverse_transpose, const Group<D>& group) {
  interleave(d, matrix, n * n, group.a);
  for (int i = 0; i < n; ++i) group.row[i] = hn::Set(Integers<D>(), i);
  const Products<D> products = factor(d, n, group);
  if (group.y != nullptr) {
    invert(d, n, group);
    store_inverse(d, n, group, inverse_transpose);
  }
  return products;
}

/// Fewer matrices than lanes: the last one repeated fills the group.
template <class D, class T = Scalar<D>>
HWY_NOINLINE Products<D> slogdet_partial_group(D d, int n, int count, const T* matrix, T* inverse_transpose,
                                               const Group<D>& group) {
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
template <class D, class T = Scalar<D>>
HWY_INLINE bool slogdet_chunk(D d, int n, const Slogdet<T>& a, const Group<D>& group) {
  constexpr int lanes = lanes_of(d);
  ChunkProducts<T> products;
  const auto count = static_cast<int>(a.batch);
  const int whole = count - count % lanes;
  for (int b = 0; b < whole; b += lanes) {
    products.store(d, slogdet_group(d, n, a.matrix + b * n * n, a.inverse_transpose + b * n * n, group), b);
  }
  if (whole < count) {
    const Slogdet<T> rest = part(a, whole, count - whole);
    products.store(
        d, slogdet_partial_group(d, n, count - whole, rest.matrix, rest.inverse_transpose, group), whole);
  }
  return summarise(products, a);
}

/// n known to the compiler: the group is in registers, or where it is too large in the first-level cache.
template <int n, class T>
HWY_NOINLINE bool slogdet_of_size(const Slogdet<T>& a) {
  using D = hn::ScalableTag<T>;
  hn::Vec<D> matrix[n * n], y[n * n], reciprocal[n];
  hn::Vec<Integers<D>> row[n];
  if (a.inverse_transpose == nullptr) return slogdet_chunk(D(), n, a, {matrix, nullptr, reciprocal, row});
  return slogdet_chunk(D(), n, a, {matrix, y, reciprocal, row});
}

template <class T>
HWY_NOINLINE bool slogdet_of_any_size(const Slogdet<T>& a) {
  using D = hn::ScalableTag<T>;
  using Vector = hn::Vec<D>;
  constexpr Index lanes = lanes_of(D());
  const int n = static_cast<int>(a.n);
  const int size = n * n;
  const auto storage = hwy::AllocateAligned<T>((2 * size + n) * lanes);
  const auto rows = hwy::AllocateAligned<BitsOf<T>>(n * lanes);
  Vector* const matrix = reinterpret_cast<Vector*>(storage.get());
  Vector* const y = matrix + size;
  return slogdet_chunk(D(), n, a,
                {matrix, a.inverse_transpose == nullptr ? nullptr : y, y + size,
                 reinterpret_cast<hn::Vec<Integers<D>>*>(rows.get())});
}

constexpr int largest_fixed_size = 16;

template <int n>
HWY_INLINE bool slogdet_fixed(const Slogdet<float>& a) {
  if constexpr (n > largest_fixed_size) {
    return slogdet_of_any_size(a);
  } else {
    if (a.n == n) return slogdet_of_size<n>(a);
    return slogdet_fixed<n + 1>(a);
  }
}

bool slogdet(const Slogdet<float>& a) { return slogdet_fixed<1>(a); }
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
