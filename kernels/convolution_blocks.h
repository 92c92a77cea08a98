// Products of matrices whose left operand is an image in place, in register blocks.
//
//   output[r, n] = start + sum over s0, s1, k ascending of left[r][s0, s1, k] right[n][s0, s1, k]
//
// A row r of the left operand is a pixel, or whatever the image has in its place: rows lie on a grid and overlap. Every element
// has its own accumulator, so vector width changes no bit.
// Included once for each instruction set (kernels/simd.h), hence the unusual guard.
#if defined(ELBOW_KERNELS_CONVOLUTION_BLOCKS) == defined(HWY_TARGET_TOGGLE)
#ifdef ELBOW_KERNELS_CONVOLUTION_BLOCKS
#undef ELBOW_KERNELS_CONVOLUTION_BLOCKS
#else
#define ELBOW_KERNELS_CONVOLUTION_BLOCKS
#endif

#include <hwy/highway.h>

#include <algorithm>

#include "kernels/math.h"
#include "kernels/types.h"

#if HWY_TARGET != HWY_SCALAR
HWY_BEFORE_NAMESPACE();
namespace elbow::kernels::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

/// Element r of a grid: `width` to a line, `step` elements apart, lines `line` elements apart.
template <class T>
struct Grid {
  T* first;
  Index width;
  Index step;
  Index line;
};

/// Walks over a grid.
template <class T>
struct GridCursor {
  explicit GridCursor(const Grid<T>& grid) : grid(grid), line(grid.first), next(grid.first) {}
  HWY_INLINE T* operator()() {
    if (column == grid.width) {
      column = 0;
      next = line += grid.line;
    }
    T* const here = next;
    next += grid.step;
    ++column;
    return here;
  }
  const Grid<T> grid;
  T* line;
  T* next;
  Index column = 0;
};

/// What an element sums: count[0] times count[1] times count[2] terms, and how far apart they lie.
struct Terms {
  Index count[3];
  Index left_step[3];
  Index right_step[3];
};

template <class T>
struct ImageProduct {
  Index rows;
  Index columns;
  Terms terms;
  Grid<const T> left;
  const T* right;  ///< of column 0; columns are contiguous, and whole vectors can be read
  const T* bias;   ///< a column's start, in whole vectors; null: 0
  bool adds;       ///< the sum is added to the output
  bool relu;
  Grid<T> output;  ///< of column 0; columns are contiguous
};

/// Rows and vectors of a block: its accumulators, a row of the right operand and an element of the left one just fit into 16
/// (AVX2) or 32 registers, its rows' addresses into the general ones.
inline constexpr int most_block_vectors = HWY_TARGET == HWY_AVX2 ? 3 : 4;
constexpr int most_block_rows(int vectors) {
  return (HWY_TARGET == HWY_AVX2 ? 6 : 8) / (vectors > 2 ? 2 : 1);
}
constexpr int fewer_rows(int rows) { return rows > 4 ? rows / 2 : rows - 1; }

template <int rows, int vectors, class D, class T = hn::TFromD<D>>
HWY_NOINLINE void multiply_block(D d, const ImageProduct<T>& p, GridCursor<const T>& lefts,
                                 GridCursor<T>& outputs, Index column) {
  constexpr Index lanes = hn::MaxLanes(D());
  const T* left[rows];
  T* output[rows];
  for (int r = 0; r < rows; ++r) left[r] = lefts();
  for (int r = 0; r < rows; ++r) output[r] = outputs() + column;

  const Index last_count = std::min(lanes, p.columns - column - (vectors - 1) * lanes);
  const auto mask = hn::FirstN(d, last_count);
  const auto load = [&](const T* from, int v) HWY_ATTR {
    return v + 1 < vectors || last_count == lanes ? hn::LoadU(d, from + v * lanes)
                                                  : hn::MaskedLoad(mask, d, from + v * lanes);
  };
  hn::Vec<D> sum[rows][vectors];
  HWY_UNROLL(8)
  for (int r = 0; r < rows; ++r) {
    HWY_UNROLL(4)
    for (int v = 0; v < vectors; ++v) {
      sum[r][v] = p.bias != nullptr ? hn::Load(d, p.bias + column + v * lanes) : hn::Zero(d);
    }
  }

  const Index depth = p.terms.count[2], left_step = p.terms.left_step[2], right_step = p.terms.right_step[2];
  for (Index s0 = 0; s0 < p.terms.count[0]; ++s0) {
    for (Index s1 = 0; s1 < p.terms.count[1]; ++s1) {
      const T* right = p.right + column + s0 * p.terms.right_step[0] + s1 * p.terms.right_step[1];
      Index at = s0 * p.terms.left_step[0] + s1 * p.terms.left_step[1];
      for (Index k = 0; k < depth; ++k) {
        hn::Vec<D> x[vectors];
        HWY_UNROLL(4)
        for (int v = 0; v < vectors; ++v) x[v] = hn::LoadU(d, right + v * lanes);
        HWY_UNROLL(8)
        for (int r = 0; r < rows; ++r) {
          const auto w = hn::Set(d, left[r][at]);
          HWY_UNROLL(4)
          for (int v = 0; v < vectors; ++v) sum[r][v] = hn::MulAdd(w, x[v], sum[r][v]);
        }
        at += left_step;
        right += right_step;
      }
    }
  }

  HWY_UNROLL(8)
  for (int r = 0; r < rows; ++r) {
    HWY_UNROLL(4)
    for (int v = 0; v < vectors; ++v) {
      auto result = sum[r][v];
      if (p.adds) result = hn::Add(load(output[r], v), result);
      if (p.relu) result = hn::IfThenElseZero(hn::Gt(result, hn::Zero(d)), result);
      if (v + 1 < vectors || last_count == lanes) {
        hn::StoreU(result, d, output[r] + v * lanes);
      } else {
        hn::BlendedStore(result, mask, d, output[r] + v * lanes);
      }
    }
  }
}

/// The rows from `row` on, `rows` at a time, then fewer.
template <int rows, int vectors, class D, class T>
HWY_INLINE void multiply_rows(D d, const ImageProduct<T>& p, GridCursor<const T>& lefts,
                              GridCursor<T>& outputs, Index row, Index column) {
  for (; row + rows <= p.rows; row += rows) multiply_block<rows, vectors>(d, p, lefts, outputs, column);
  if constexpr (rows > 1) multiply_rows<fewer_rows(rows), vectors>(d, p, lefts, outputs, row, column);
}

/// The columns from `column` on, `vectors` vectors at a time, then fewer.
template <int vectors, class D, class T>
HWY_INLINE void multiply_columns(D d, const ImageProduct<T>& p, Index column) {
  constexpr Index lanes = hn::MaxLanes(D());
  for (; column + (vectors - 1) * lanes < p.columns; column += vectors * lanes) {
    GridCursor<const T> lefts(p.left);
    GridCursor<T> outputs(p.output);
    multiply_rows<most_block_rows(vectors), vectors>(d, p, lefts, outputs, 0, column);
  }
  if constexpr (vectors > 1) multiply_columns<vectors - 1>(d, p, column);
}

template <class T>
void multiply(const ImageProduct<T>& p) {
  const hn::ScalableTag<T> d;
  if (p.rows < most_block_rows(2)) {
    multiply_columns<most_block_vectors>(d, p, 0);
  } else {
    multiply_columns<2>(d, p, 0);
  }
}

}  // namespace
}  // namespace elbow::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

#endif
