// Matrix product on the CPU: one source, compiled for every instruction set that has a fused multiply-add.
//
// The output is cut into register tiles of a few rows times a few vectors, which live in registers while k
// runs over a block of the depth: each k loads one row of the right operand and broadcasts elements of the
// left operand straight from memory. A right operand whose rows are not contiguous is first packed into a
// panel whose rows are. Every element has its own accumulator, so the order that the contract fixes costs
// nothing.
#include "kernels/matmul.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "kernels/matmul_plain.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/matmul.cpp"
#include "kernels/simd.h"
//
#include "kernels/pack.h"

HWY_BEFORE_NAMESPACE();
namespace elbow::kernels::HWY_NAMESPACE {
namespace {

#if HWY_TARGET == HWY_SCALAR

template <class T>
void multiply(const Matmul<T>& a) {
  matmul_plain(a);
}

#else

namespace hn = hwy::HWY_NAMESPACE;

/// One matrix times another; the rows of the output lie output_stride apart.
template <class T>
struct Product {
  Index rows;
  Index depth;
  Index columns;
  MatrixView<T> left;
  MatrixView<T> right;
  T* output;
  Index output_stride;
  bool accumulate;
};

/// Vectors and rows of a register tile: its accumulators, one row of the right operand and one element of the
/// left just fit into 16 (AVX2) or 32 registers. Eight accumulators are enough to hide the latency of
/// multiply-add.
constexpr int most_vectors = HWY_TARGET == HWY_AVX2 ? 2 : 4;
constexpr int tile_rows(int vectors) { return vectors == most_vectors ? 6 : 8; }

/// Rows of a panel: at most 64 KiB, so that it stays in the second-level cache while all rows of the left
/// pass by.
constexpr Index depth_block = 256;

/// Stores the first `count` lanes, those of `mask`.
template <class D, class T = hn::TFromD<D>>
HWY_INLINE void store_first(D d, hn::Vec<D> vector, hn::Mask<D> mask, Index count, T* to) {
  if constexpr (HWY_TARGET == HWY_AVX2) {  // whose masked store is slow on some processors
    constexpr Index lanes = lanes_of(d);
    if (count == lanes) return hn::StoreU(vector, d, to);
    HWY_ALIGN T buffer[lanes];
    hn::Store(vector, d, buffer);
    const T* from = buffer;
    for (Index piece = lanes / 2; piece > 0; piece /= 2) {
      if ((count & piece) == 0) continue;
      std::memcpy(to, from, piece * sizeof(T));
      to += piece;
      from += piece;
    }
  } else {
    hn::BlendedStore(vector, mask, d, to);
  }
}

/// Rows first_row, ..., first_row + rows - 1 of a product whose columns fill `vectors` vectors, the last
/// perhaps partly.
template <int rows, int vectors, class D, class T = hn::TFromD<D>>
HWY_NOINLINE void multiply_tile(D d, const Product<T>& p, Index first_row) {
  constexpr Index lanes = lanes_of(d);
  constexpr int last = vectors - 1;
  const Index last_count = p.columns - last * lanes;
  const auto mask = hn::FirstN(d, last_count);
  const bool accumulate = p.accumulate;
  const Index output_stride = p.output_stride;
  T* const output = p.output + first_row * output_stride;

  hn::Vec<D> sum[rows][vectors];
  HWY_UNROLL(8)
  for (int r = 0; r < rows; ++r) {
    HWY_UNROLL(4)
    for (int v = 0; v < vectors; ++v) {
      const T* from = output + r * output_stride + v * lanes;
      sum[r][v] = !accumulate ? hn::Zero(d) : v < last ? hn::LoadU(d, from) : hn::MaskedLoad(mask, d, from);
    }
  }

  const Index left_stride = p.left.row_stride;
  const T* left = p.left.data + first_row * left_stride;
  const T* right = p.right.data;
  for (Index k = 0; k < p.depth; ++k) {
    hn::Vec<D> right_row[vectors];
    HWY_UNROLL(4)
    for (int v = 0; v < vectors; ++v) {
      right_row[v] = v < last ? hn::LoadU(d, right + v * lanes) : hn::MaskedLoad(mask, d, right + v * lanes);
    }
    HWY_UNROLL(8)
    for (int r = 0; r < rows; ++r) {
      const auto element = hn::Set(d, left[r * left_stride]);
      HWY_UNROLL(4)
      for (int v = 0; v < vectors; ++v) sum[r][v] = hn::MulAdd(element, right_row[v], sum[r][v]);
    }
    left += p.left.column_stride;
    right += p.right.row_stride;
  }

  HWY_UNROLL(8)
  for (int r = 0; r < rows; ++r) {
    T* const to = output + r * output_stride;
    HWY_UNROLL(4)
    for (int v = 0; v < last; ++v) hn::StoreU(sum[r][v], d, to + v * lanes);
    store_first(d, sum[r][last], mask, last_count, to + last * lanes);
  }
}

/// The rows from first_row on, fewer than a whole tile.
template <int rows, int vectors, class D, class T>
HWY_INLINE void multiply_last_rows(D d, const Product<T>& p, Index first_row) {
  if constexpr (rows > 0) {
    if (p.rows - first_row == rows) return multiply_tile<rows, vectors>(d, p, first_row);
    multiply_last_rows<rows - 1, vectors>(d, p, first_row);
  }
}

/// A product of at most `vectors` vectors of columns whose right operand has contiguous rows.
template <int vectors, class D, class T>
HWY_INLINE void multiply_panel(D d, const Product<T>& p) {
  if constexpr (vectors > 1) {
    if (p.columns <= (vectors - 1) * lanes_of(d)) return multiply_panel<vectors - 1>(d, p);
  }
  constexpr int step = tile_rows(vectors);
  Index row = 0;
  for (; row + step <= p.rows; row += step) multiply_tile<step, vectors>(d, p, row);
  multiply_last_rows<step - 1, vectors>(d, p, row);
}

/// Cuts columns and depth into panels of at most `vectors` vectors times depth_block rows.
template <int vectors, class D, class T>
HWY_INLINE void multiply_panels(D d, const Product<T>& p) {
  constexpr Index panel_columns = vectors * lanes_of(d);
  HWY_ALIGN T panel[depth_block * panel_columns];
  for (Index c = 0; c < p.columns; c += panel_columns) {
    for (Index k = 0; k < p.depth; k += depth_block) {
      Product<T> part = p;
      part.columns = std::min(panel_columns, p.columns - c);
      part.depth = std::min(depth_block, p.depth - k);
      part.left.data += k * p.left.column_stride;
      part.right.data += k * p.right.row_stride + c * p.right.column_stride;
      part.output += c;
      part.accumulate = p.accumulate || k > 0;
      if (p.right.column_stride != 1) {
        pack(d, part.right, part.depth, part.columns, panel, panel_columns);
        part.right = {panel, 0, panel_columns, 1};
      }
      multiply_panel<vectors>(d, part);
    }
  }
}

/// Computes the transposed product: many columns instead of few. p.columns is at most half a vector.
template <class D, class T>
HWY_INLINE void multiply_exchanged(D d, const Product<T>& p) {
  constexpr Index width = most_vectors * lanes_of(d);
  HWY_ALIGN T transposed[lanes_of(d) / 2 * width];
  for (Index first_row = 0; first_row < p.rows; first_row += width) {
    const Index rows = std::min(width, p.rows - first_row);
    T* const output = p.output + first_row * p.output_stride;
    if (p.accumulate) {
      for (Index c = 0; c < p.columns; ++c) {
        for (Index r = 0; r < rows; ++r) transposed[c * width + r] = output[r * p.output_stride + c];
      }
    }
    Product<T> exchanged{p.columns, p.depth, rows, p.right, p.left, transposed, width, p.accumulate};
    exchanged.right.data += first_row * p.left.row_stride;
    std::swap(exchanged.left.row_stride, exchanged.left.column_stride);
    std::swap(exchanged.right.row_stride, exchanged.right.column_stride);
    multiply_panels<most_vectors>(d, exchanged);
    for (Index c = 0; c < p.columns; ++c) {
      for (Index r = 0; r < rows; ++r) output[r * p.output_stride + c] = transposed[c * width + r];
    }
  }
}

/// Chooses how to fill vectors: few columns take shorter vectors, or exchange roles with many rows where
/// those are, or can cheaply be made, contiguous.
template <class T>
void multiply(const Product<T>& p) {
  const hn::ScalableTag<T> d;
  constexpr Index lanes = lanes_of(d);
  const bool exchange = p.columns <= (p.left.row_stride == 1 ? lanes / 2 : lanes / 4) && p.rows >= 2 * lanes;
  if (exchange) return multiply_exchanged(d, p);
  if (p.columns <= 4) return multiply_panels<1>(hn::CappedTag<T, 4>(), p);
  if (p.columns <= 8) return multiply_panels<1>(hn::CappedTag<T, 8>(), p);
  multiply_panels<most_vectors>(d, p);
}

template <class T>
void multiply(const Matmul<T>& a) {
  if (a.depth == 0) {
    if (!a.accumulate) std::fill_n(a.output, a.batch * a.rows * a.columns, T(0));
    return;
  }
  Product<T> p{a.rows, a.depth, a.columns, a.left, a.right, a.output, a.columns, a.accumulate};
  const bool one_product = a.right.batch_stride == 0 && a.left.batch_stride == a.rows * a.left.row_stride;
  if (one_product) p.rows *= a.batch;
  for (Index b = 0; b < (one_product ? 1 : a.batch); ++b) {
    multiply(p);
    p.left.data += a.left.batch_stride;
    p.right.data += a.right.batch_stride;
    p.output += a.rows * a.columns;
  }
}

#endif

void multiply_float(const Matmul<float>& a) { multiply(a); }
void multiply_double(const Matmul<double>& a) { multiply(a); }

}  // namespace
}  // namespace elbow::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace elbow::kernels {

HWY_EXPORT(multiply_float);
HWY_EXPORT(multiply_double);

namespace cpu {

template <>
void run(const Matmul<float>& a) {
  HWY_DYNAMIC_DISPATCH(multiply_float)(a);
}

template <>
void run(const Matmul<double>& a) {
  HWY_DYNAMIC_DISPATCH(multiply_double)(a);
}

template <>
void run(const Matmul<Complex>& a) {
  matmul_plain(a);
}

}  // namespace cpu
}  // namespace elbow::kernels
#endif
