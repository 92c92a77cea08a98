// An MLP in forward mode on the CPU: a tile of samples goes through all layers while it is in the first-level cache.
//
// In a tile the samples lie side by side, (feature, value and tangents, sample): a layer is then a product of its weights
// with columns that fill whole vectors, and a slope belongs to the lane of its sample. Every element has its own
// accumulator and its own lane, so vector width changes no bit.
#include "kernels/dual_mlp.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/dual_mlp.cpp"
#include "kernels/simd.h"

HWY_BEFORE_NAMESPACE();
namespace elbow::kernels::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr Index tile = dual_mlp_tile;

/// Vectors and rows of a register block: accumulators, one row of the right operand and a weight just fit into 16 (AVX2) or
/// 32 registers.
constexpr int most_vectors = HWY_TARGET == HWY_AVX2 ? 2 : 4;
constexpr int most_rows = 6;

/// One layer of a tile, before its activation.
template <class T>
struct Layer {
  Index inputs;
  Index outputs;
  const T* weight;  ///< (outputs, inputs)
  const T* bias;    ///< (outputs)
  Index columns;    ///< (1 + d) tile: the first `tile` are values, the others tangents
  const T* from;    ///< (inputs, columns)
  T* to;            ///< (outputs, columns)
};

template <class D, class V = hn::Vec<D>>
HWY_INLINE V multiply_add([[maybe_unused]] D d, V a, V b, V c) {
#if HWY_TARGET == HWY_SCALAR  // whose own rounds twice
  return hn::Set(d, math::fma(hn::GetLane(a), hn::GetLane(b), hn::GetLane(c)));
#else
  return hn::MulAdd(a, b, c);
#endif
}

/// Rows [row, row + rows) and `vectors` vectors of columns from `column` on.
template <int rows, int vectors, class D, class T = hn::TFromD<D>>
HWY_NOINLINE void multiply_block(D d, const Layer<T>& a, Index row, Index column) {
  constexpr Index lanes = hn::MaxLanes(D());
  hn::Vec<D> sum[rows][vectors];
  HWY_UNROLL(6)
  for (int r = 0; r < rows; ++r) {
    const auto bias = hn::Set(d, a.bias[row + r]);
    HWY_UNROLL(4)
    for (int v = 0; v < vectors; ++v) sum[r][v] = column + v * lanes < tile ? bias : hn::Zero(d);
  }
  const Index inputs = a.inputs;
  const Index columns = a.columns;
  const T* weight = a.weight + row * inputs;
  const T* from = a.from + column;
  for (Index k = 0; k < inputs; ++k) {
    hn::Vec<D> x[vectors];
    HWY_UNROLL(4)
    for (int v = 0; v < vectors; ++v) x[v] = hn::Load(d, from + v * lanes);
    HWY_UNROLL(6)
    for (int r = 0; r < rows; ++r) {
      const auto w = hn::Set(d, weight[r * inputs]);
      HWY_UNROLL(4)
      for (int v = 0; v < vectors; ++v) sum[r][v] = multiply_add(d, w, x[v], sum[r][v]);
    }
    ++weight;
    from += columns;
  }
  T* const to = a.to + row * columns + column;
  HWY_UNROLL(6)
  for (int r = 0; r < rows; ++r) {
    HWY_UNROLL(4)
    for (int v = 0; v < vectors; ++v) hn::Store(sum[r][v], d, to + r * columns + v * lanes);
  }
}

/// The rows from `row` on, fewer than a whole block.
template <int rows, int vectors, class D, class T>
HWY_INLINE void multiply_last_rows(D d, const Layer<T>& a, Index row, Index column) {
  if constexpr (rows > 0) {
    if (a.outputs - row == rows) return multiply_block<rows, vectors>(d, a, row, column);
    multiply_last_rows<rows - 1, vectors>(d, a, row, column);
  }
}

/// The columns from `column` on, `vectors` vectors at a time, then fewer.
template <int vectors, class D, class T>
HWY_INLINE void multiply(D d, const Layer<T>& a, Index column) {
  constexpr Index width = vectors * hn::MaxLanes(D());
  for (; column + width <= a.columns; column += width) {
    Index row = 0;
    for (; row + most_rows <= a.outputs; row += most_rows)
      multiply_block<most_rows, vectors>(d, a, row, column);
    multiply_last_rows<most_rows - 1, vectors>(d, a, row, column);
  }
  if constexpr (vectors > 1) multiply<vectors - 1>(d, a, column);
}

template <class T, class Function>
void activate(Function function, T parameter, Index outputs, Index columns, T* x) {
  for (Index row = 0; row < outputs; ++row) {
    T* HWY_RESTRICT const value = x + row * columns;
    T slope[tile];
#pragma GCC unroll 1  // g++ would unroll a short formula before it looks for vectors
    for (Index s = 0; s < tile; ++s) {
      const ValueAndSlope<T> found = function(value[s], parameter);
      value[s] = found.value;
      slope[s] = found.slope;
    }
    for (Index column = tile; column < columns; column += tile) {
      for (Index s = 0; s < tile; ++s) value[column + s] *= slope[s];
    }
  }
}

/// Samples [first, first + count) of input and tangents into x, (widths[0], 1 + d, tile); the last one fills the tile.
template <class T>
void load_tile(const DualMlp<T>& a, Index first, Index count, T* x) {
  const Index width = a.widths[0], planes = 1 + a.directions;
  for (Index plane = 0; plane < planes; ++plane) {
    const T* const from = plane == 0 ? a.input : a.tangents + (plane - 1) * a.batch * width;
    for (Index s = 0; s < tile; ++s) {
      const T* const sample = from + (first + std::min(s, count - 1)) * width;
      for (Index c = 0; c < width; ++c) x[(c * planes + plane) * tile + s] = sample[c];
    }
  }
}

/// The first `count` samples of x, (widths[layers], 1 + d, tile), into output and output_tangents from sample `first` on.
template <class T>
void store_tile(const DualMlp<T>& a, Index first, Index count, const T* x) {
  const Index width = a.widths[a.layers], planes = 1 + a.directions;
  for (Index plane = 0; plane < planes; ++plane) {
    T* const to = plane == 0 ? a.output : a.output_tangents + (plane - 1) * a.batch * width;
    for (Index s = 0; s < count; ++s) {
      for (Index c = 0; c < width; ++c) to[(first + s) * width + c] = x[(c * planes + plane) * tile + s];
    }
  }
}

template <class T>
void dual_mlp(const DualMlp<T>& a) {
  const hn::CappedTag<T, tile> d;
  const Index columns = (1 + a.directions) * tile;
  T* const halves[] = {a.workspace,
                       a.workspace + *std::max_element(a.widths, a.widths + a.layers + 1) * columns};
  for (Index first = 0; first < a.batch; first += tile) {
    const Index count = std::min(tile, a.batch - first);
    load_tile(a, first, count, halves[0]);
    for (Index i = 0; i < a.layers; ++i) {
      T* const to = halves[(i + 1) % 2];
      const Layer<T> layer{a.widths[i], a.widths[i + 1], a.weights[i], a.biases[i], columns, halves[i % 2],
                           to};
      multiply<most_vectors>(d, layer, 0);
      if (i + 1 == a.layers) break;
      with_activation(a.activation, [&](auto function) {
        activate(function, static_cast<T>(a.slope), layer.outputs, columns, to);
      });
    }
    store_tile(a, first, count, halves[a.layers % 2]);
  }
}

ELBOW_TARGET_ENTRY(dual_mlp_float, DualMlp<float>, dual_mlp)
ELBOW_TARGET_ENTRY(dual_mlp_double, DualMlp<double>, dual_mlp)

}  // namespace elbow::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace elbow::kernels::cpu {

ELBOW_DISPATCH(dual_mlp_float, DualMlp<float>)
ELBOW_DISPATCH(dual_mlp_double, DualMlp<double>)

}  // namespace elbow::kernels::cpu
#endif
