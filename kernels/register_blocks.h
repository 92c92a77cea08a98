// Products of matrices in register blocks, for kernels that know what each block starts with and what becomes of it.
//
//   finish(r, c, s) for each element, with s = start(r, c);  for k ascending: s = fma(left[r, k], right[k, c], s)
//
// which is the order of kernels/matmul.h. Every element has its own accumulator, so vector width changes no bit.
// Included once for each instruction set (kernels/simd.h), hence the unusual guard.
#if defined(ELBOW_KERNELS_REGISTER_BLOCKS) == defined(HWY_TARGET_TOGGLE)
#ifdef ELBOW_KERNELS_REGISTER_BLOCKS
#undef ELBOW_KERNELS_REGISTER_BLOCKS
#else
#define ELBOW_KERNELS_REGISTER_BLOCKS
#endif

#include <hwy/highway.h>

#include "kernels/math.h"
#include "kernels/types.h"

HWY_BEFORE_NAMESPACE();
namespace elbow::kernels::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

/// Accumulators, one row of the right operand and an element of the left one just fit into 16 (AVX2) or 32 registers.
inline constexpr int most_vectors = HWY_TARGET == HWY_AVX2 ? 2 : 4;
/// A single vector takes more rows: fewer chains would wait for one another.
constexpr int most_rows(int vectors) { return vectors == 1 ? 12 : 6; }

template <class T>
struct BlockProduct {
  Index rows;
  Index depth;
  Index columns;  ///< whole vectors
  const T* left;  ///< element (r, k) at r * left_row + k * left_step
  Index left_row;
  Index left_step;
  const T* right;  ///< (depth, columns), rows right_step apart, aligned to vectors
  Index right_step;
};

template <class D, class V = hn::Vec<D>>
HWY_INLINE V multiply_add([[maybe_unused]] D d, V a, V b, V c) {
#if HWY_TARGET == HWY_SCALAR  // whose own rounds twice
  return hn::Set(d, math::fma(hn::GetLane(a), hn::GetLane(b), hn::GetLane(c)));
#else
  return hn::MulAdd(a, b, c);
#endif
}

/// Rows [row, row + rows) and `vectors` vectors of columns from `column` on. start(d, row, column) gives a vector,
/// finish(d, row, column, sum) takes one.
template <int rows, int vectors, class D, class Start, class Finish, class T = hn::TFromD<D>>
HWY_NOINLINE void multiply_block(D d, const BlockProduct<T>& p, Index row, Index column, Start start,
                                 Finish finish) {
  constexpr Index lanes = hn::MaxLanes(D());
  hn::Vec<D> sum[rows][vectors];
  HWY_UNROLL(12)
  for (int r = 0; r < rows; ++r) {
    HWY_UNROLL(4)
    for (int v = 0; v < vectors; ++v) sum[r][v] = start(d, row + r, column + v * lanes);
  }
  const Index depth = p.depth, left_row = p.left_row, left_step = p.left_step, right_step = p.right_step;
  const T* left = p.left + row * left_row;
  const T* right = p.right + column;
  for (Index k = 0; k < depth; ++k) {
    hn::Vec<D> x[vectors];
    HWY_UNROLL(4)
    for (int v = 0; v < vectors; ++v) x[v] = hn::Load(d, right + v * lanes);
    HWY_UNROLL(12)
    for (int r = 0; r < rows; ++r) {
      const auto w = hn::Set(d, left[r * left_row]);
      HWY_UNROLL(4)
      for (int v = 0; v < vectors; ++v) sum[r][v] = multiply_add(d, w, x[v], sum[r][v]);
    }
    left += left_step;
    right += right_step;
  }
  HWY_UNROLL(12)
  for (int r = 0; r < rows; ++r) {
    HWY_UNROLL(4)
    for (int v = 0; v < vectors; ++v) finish(d, row + r, column + v * lanes, sum[r][v]);
  }
}

/// The rows from `row` on, `rows` at a time, then fewer.
template <int rows, int vectors, class D, class T, class Start, class Finish>
HWY_INLINE void multiply_rows(D d, const BlockProduct<T>& p, Index row, Index column, Start start,
                              Finish finish) {
  for (; row + rows <= p.rows; row += rows) multiply_block<rows, vectors>(d, p, row, column, start, finish);
  if constexpr (rows > 1) multiply_rows<rows / 2, vectors>(d, p, row, column, start, finish);
}

/// The columns from `column` on, `vectors` vectors at a time, then fewer.
template <int vectors = most_vectors, class D, class T, class Start, class Finish>
HWY_INLINE void multiply_blocks(D d, const BlockProduct<T>& p, Start start, Finish finish, Index column = 0) {
  constexpr Index width = vectors * hn::MaxLanes(D());
  for (; column + width <= p.columns; column += width) {
    multiply_rows<most_rows(vectors), vectors>(d, p, 0, column, start, finish);
  }
  if constexpr (vectors > 1) multiply_blocks<vectors - 1>(d, p, start, finish, column);
}

}  // namespace
}  // namespace elbow::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
