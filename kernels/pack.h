// Copies of matrices whose rows become contiguous, in blocks that are transposed in registers.
// Included once for each instruction set (kernels/simd.h), hence the unusual guard.
#if defined(ELBOW_KERNELS_PACK) == defined(HWY_TARGET_TOGGLE)
#ifdef ELBOW_KERNELS_PACK
#undef ELBOW_KERNELS_PACK
#else
#define ELBOW_KERNELS_PACK
#endif

#include <hwy/highway.h>

#include <algorithm>

#include "kernels/matmul.h"

#if HWY_TARGET != HWY_SCALAR
HWY_BEFORE_NAMESPACE();
namespace elbow::kernels::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

template <class D>
constexpr Index lanes_of(D) {
  return hn::MaxLanes(D());
}

/// Transposes a block: row k of `to` becomes element `offset` + k of every source, k in [0, 16 bytes /
/// sizeof(T)). There are as many sources as D has lanes, which is one or two times the number of rows.
template <class D, class T = hn::TFromD<D>>
HWY_INLINE void transpose_block(D d, const T* const* source, Index offset, T* to, Index to_stride) {
  constexpr int block = 16 / sizeof(T);
  const auto load = [&](int i) HWY_ATTR {
    const hn::CappedTag<T, block> half;
    const auto low = hn::LoadU(half, source[i] + offset);
    if constexpr (hn::MaxLanes(D()) == block) {
      return low;
    } else {
      return hn::Combine(d, hn::LoadU(half, source[i + block] + offset), low);
    }
  };
  if constexpr (block == 2) {
    const auto v0 = load(0), v1 = load(1);
    hn::StoreU(hn::InterleaveLower(d, v0, v1), d, to);
    hn::StoreU(hn::InterleaveUpper(d, v0, v1), d, to + to_stride);
  } else {
    const hn::RepartitionToWide<D> pairs;
    const auto v0 = load(0), v1 = load(1), v2 = load(2), v3 = load(3);
    const auto low01 = hn::BitCast(pairs, hn::InterleaveLower(d, v0, v1));
    const auto low23 = hn::BitCast(pairs, hn::InterleaveLower(d, v2, v3));
    const auto high01 = hn::BitCast(pairs, hn::InterleaveUpper(d, v0, v1));
    const auto high23 = hn::BitCast(pairs, hn::InterleaveUpper(d, v2, v3));
    hn::StoreU(hn::BitCast(d, hn::InterleaveLower(pairs, low01, low23)), d, to);
    hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(pairs, low01, low23)), d, to + to_stride);
    hn::StoreU(hn::BitCast(d, hn::InterleaveLower(pairs, high01, high23)), d, to + 2 * to_stride);
    hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(pairs, high01, high23)), d, to + 3 * to_stride);
  }
}

/// pack() for an operand with contiguous columns, at least a block long.
template <class D, class T>
HWY_INLINE void pack_transposed(D d, const MatrixView<T>& right, Index depth, Index columns, T* panel,
                                Index panel_stride) {
  constexpr Index block = 16 / sizeof(T);
  constexpr Index lanes = lanes_of(d);
  for (Index c = 0; c < columns; c += lanes) {
    const T* source[lanes];  // the last one repeated fills the padding
    for (Index i = 0; i < lanes; ++i)
      source[i] = right.data + std::min(c + i, columns - 1) * right.column_stride;
    T* const to = panel + c;
    Index k = 0;
    for (; k + block <= depth; k += block) transpose_block(d, source, k, to + k * panel_stride, panel_stride);
    if (k < depth) {  // a last block that overlaps the one before it
      transpose_block(d, source, depth - block, to + (depth - block) * panel_stride, panel_stride);
    }
  }
}

/// Copies the right operand into `panel`, whose rows are contiguous, panel_stride apart and whole vectors
/// long. What lies beyond `columns` is unspecified.
template <class D, class T>
HWY_NOINLINE void pack(D, const MatrixView<T>& right, Index depth, Index columns, T* panel,
                       Index panel_stride) {
  constexpr Index block = 16 / sizeof(T);
  if (right.row_stride == 1 && depth >= block) {
    const hn::CappedTag<T, std::min(2 * block, lanes_of(D()))> d;
    return pack_transposed(d, right, depth, columns, panel, panel_stride);
  }
  for (Index k = 0; k < depth; ++k) {
    for (Index c = 0; c < columns; ++c) {
      panel[k * panel_stride + c] = right.data[k * right.row_stride + c * right.column_stride];
    }
  }
}

}  // namespace
}  // namespace elbow::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

#endif
