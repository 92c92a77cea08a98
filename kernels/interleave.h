// Matrices that lie one after the other, to vectors with a matrix in each lane, and back. In blocks of 16 bytes: a
// transposition within the blocks of a few vectors is all that is needed.
// Included once for each instruction set (kernels/simd.h), hence the unusual guard.
#if defined(ELBOW_KERNELS_INTERLEAVE) == defined(HWY_TARGET_TOGGLE)
#ifdef ELBOW_KERNELS_INTERLEAVE
#undef ELBOW_KERNELS_INTERLEAVE
#else
#define ELBOW_KERNELS_INTERLEAVE
#endif

#include <hwy/highway.h>

#include "kernels/types.h"

HWY_BEFORE_NAMESPACE();
#if HWY_TARGET != HWY_SCALAR
namespace elbow::kernels::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

template <class D>
constexpr int lanes_of(D) {
  return static_cast<int>(hn::MaxLanes(D()));
}
template <class D>
using Scalar = hn::TFromD<D>;
template <class D>
using Integers = hn::RebindToSigned<D>;

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
    return hn::Combine(d, load_blocks(half, from + lanes / 2 * stride, stride),
                       load_blocks(half, from, stride));
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

/// Transposes the square of 1, 2 or 4 vectors of as many blocks.
template <class D>
HWY_INLINE void exchange_blocks(D, hn::Vec<D> (&)[1]) {}
template <class D>
HWY_INLINE void exchange_blocks(D d, hn::Vec<D> (&v)[2]) {
  const auto lower = hn::ConcatLowerLower(d, v[1], v[0]);
  v[1] = hn::ConcatUpperUpper(d, v[1], v[0]);
  v[0] = lower;
}
template <class D>
HWY_INLINE void exchange_blocks(D d, hn::Vec<D> (&v)[4]) {
  const auto lower02 = hn::ConcatLowerLower(d, v[2], v[0]), lower13 = hn::ConcatLowerLower(d, v[3], v[1]);
  const auto upper02 = hn::ConcatUpperUpper(d, v[2], v[0]), upper13 = hn::ConcatUpperUpper(d, v[3], v[1]);
  v[0] = hn::OddEvenBlocks(hn::SwapAdjacentBlocks(lower13), lower02);
  v[1] = hn::OddEvenBlocks(lower13, hn::SwapAdjacentBlocks(lower02));
  v[2] = hn::OddEvenBlocks(hn::SwapAdjacentBlocks(upper13), upper02);
  v[3] = hn::OddEvenBlocks(upper13, hn::SwapAdjacentBlocks(upper02));
}

/// Transposes the square of as many vectors as one has lanes.
template <class D>
HWY_INLINE void transpose_square(D d, hn::Vec<D>* v) {
  constexpr int block = block_of<Scalar<D>>, blocks = lanes_of(D()) / block;
  HWY_UNROLL(4)
  for (int g = 0; g < blocks; ++g) {
    hn::Vec<D> of_group[block];
    HWY_UNROLL(4)
    for (int i = 0; i < block; ++i) of_group[i] = v[g * block + i];
    transpose_blocks(d, of_group);
    HWY_UNROLL(4)
    for (int i = 0; i < block; ++i) v[g * block + i] = of_group[i];
  }
  HWY_UNROLL(4)
  for (int i = 0; i < block; ++i) {
    hn::Vec<D> of_groups[blocks];
    HWY_UNROLL(4)
    for (int g = 0; g < blocks; ++g) of_groups[g] = v[g * block + i];
    exchange_blocks(d, of_groups);
    HWY_UNROLL(4)
    for (int g = 0; g < blocks; ++g) v[g * block + i] = of_groups[g];
  }
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

/// Matrices of `size` elements that lie one after the other.
template <class D, class T = Scalar<D>>
HWY_INLINE void interleave(D d, const T* matrix, int size, hn::Vec<D>* to) {
  constexpr int block = block_of<T>;
  if (size < block) {  // n = 1
    *to = hn::LoadU(d, matrix);
    return;
  }
  int offset = 0;
  for (; offset + block <= size; offset += block) interleave_block(d, matrix + offset, size, to + offset);
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

}  // namespace
}  // namespace elbow::kernels::HWY_NAMESPACE
#endif
HWY_AFTER_NAMESPACE();

#endif
