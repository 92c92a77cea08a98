// An MLP in forward mode on the CPU: a tile of samples goes through all layers while it is in the first-level cache.
//
// In a tile the samples lie side by side, (feature, value and tangents, sample): a layer is then a product of its weights
// with columns that fill whole vectors, and a slope belongs to the lane of its sample. Every element has its own
// accumulator and its own lane, so vector width changes no bit.
#include "kernels/dual_mlp.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/dual_mlp.cpp"
#include "kernels/simd.h"
//
#include "kernels/activate.h"
#include "kernels/register_blocks.h"

HWY_BEFORE_NAMESPACE();
namespace elbow::kernels::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
using namespace elbow::kernels::HWY_NAMESPACE;

constexpr Index tile = dual_mlp_tile;

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

/// Values start with the bias, tangents with 0.
template <class T>
struct BiasOrZero {
  const T* bias;
  template <class D>
  HWY_INLINE hn::Vec<D> operator()(D d, Index row, Index column) const {
    return column < tile ? hn::Set(d, bias[row]) : hn::Zero(d);
  }
};

template <class T>
struct StoreIn {
  T* to;
  Index columns;
  template <class D>
  HWY_INLINE void operator()(D d, Index row, Index column, hn::Vec<D> sum) const {
    hn::Store(sum, d, to + row * columns + column);
  }
};

template <class D, class T>
void multiply(D d, const Layer<T>& a) {
  const BlockProduct<T> product{a.outputs, a.inputs, a.columns, a.weight, a.inputs, 1, a.from, a.columns};
  multiply_blocks(d, product, BiasOrZero<T>{a.bias}, StoreIn<T>{a.to, a.columns});
}

/// Of (outputs, columns), activated: a few rows' values, then their tangents.
template <class T>
void activate_layer(const DualMlp<T>& a, Index outputs, Index columns, T* x) {
  constexpr Index most = 16;
  T slopes[most * tile];
  for (Index first = 0; first < outputs; first += most) {
    const Index rows = std::min(most, outputs - first);
    with_activation(a.activation, [&](auto function) {
      activate(function, static_cast<T>(a.slope), rows, columns, x + first * columns, slopes);
    });
    for (Index row = 0; row < rows; ++row) {
      T* const tangents = x + (first + row) * columns;
      for (Index column = tile; column < columns; column += tile) {
        for (Index s = 0; s < tile; ++s) tangents[column + s] *= slopes[row * tile + s];
      }
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
  const Index widest = *std::max_element(a.widths, a.widths + a.layers + 1);
  T* const halves[] = {a.workspace, a.workspace + widest * columns};
  for (Index first = 0; first < a.batch; first += tile) {
    const Index count = std::min(tile, a.batch - first);
    load_tile(a, first, count, halves[0]);
    for (Index i = 0; i < a.layers; ++i) {
      T* const to = halves[(i + 1) % 2];
      const Layer<T> layer{a.widths[i], a.widths[i + 1], a.weights[i], a.biases[i], columns, halves[i % 2],
                           to};
      multiply(d, layer);
      if (i + 1 == a.layers) break;
      activate_layer(a, layer.outputs, columns, to);
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
