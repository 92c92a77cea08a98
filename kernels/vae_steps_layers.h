// The layers of a multi-layer perceptron, forward and backward with Adam, for kernels/vae_steps.cpp.
// Included once for each instruction set (kernels/simd.h), hence the unusual guard.
#if defined(ELBOW_KERNELS_VAE_STEPS_LAYERS) == defined(HWY_TARGET_TOGGLE)
#ifdef ELBOW_KERNELS_VAE_STEPS_LAYERS
#undef ELBOW_KERNELS_VAE_STEPS_LAYERS
#else
#define ELBOW_KERNELS_VAE_STEPS_LAYERS
#endif

#include <hwy/highway.h>

#include "kernels/activate.h"
#include "kernels/interleave.h"
#include "kernels/register_blocks.h"
#include "kernels/sum.h"
#include "kernels/vae_steps_layout.h"

HWY_BEFORE_NAMESPACE();
namespace elbow::kernels::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

template <class T>
struct Bias {
  const T* bias;
  template <class D>
  HWY_INLINE hn::Vec<D> operator()(D d, Index row, Index) const {
    return hn::Set(d, bias[row]);
  }
};

/// The leaky ReLU; with slope 1 nothing is done.
template <class T>
struct StoreLeaky {
  T* to;
  Index columns;
  T slope;  ///< in (0, 1]
  template <class D>
  HWY_INLINE void operator()(D d, Index row, Index column, hn::Vec<D> sum) const {
    hn::Store(hn::Max(sum, hn::Mul(hn::Set(d, slope), sum)), d, to + row * columns + column);
  }
};

struct Nothing {
  template <class D>
  HWY_INLINE hn::Vec<D> operator()(D d, Index, Index) const {
    return hn::Zero(d);
  }
};

/// A gradient by an activation's output becomes one by its input.
template <class T>
struct StoreTimesSlope {
  T* to;
  Index columns;
  const T* slopes;
  template <class D>
  HWY_INLINE void operator()(D d, Index row, Index column, hn::Vec<D> sum) const {
    const Index at = row * columns + column;
    hn::Store(hn::Mul(sum, hn::Load(d, slopes + at)), d, to + at);
  }
};

/// The same where the slope is 1 for positive `values` of the activation, elsewhere `slope`.
template <class T>
struct StoreTimesLeakySlope {
  T* to;
  Index columns;
  const T* values;
  T slope;
  template <class D>
  HWY_INLINE void operator()(D d, Index row, Index column, hn::Vec<D> sum) const {
    const Index at = row * columns + column;
    const auto positive = hn::Gt(hn::Load(d, values + at), hn::Zero(d));
    hn::Store(hn::IfThenElse(positive, sum, hn::Mul(sum, hn::Set(d, slope))), d, to + at);
  }
};

/// A gradient by a weight becomes a step of Adam (kernels/adam.h).
template <class T>
struct Update {
  AdamConstants<T> c;
  T* parameter;
  T* first_moment;
  T* second_moment;
  Index stride;
  template <class D, class V = hn::Vec<D>>
  HWY_INLINE void operator()(D d, Index row, Index column, V gradient) const {
    const Index at = row * stride + column;
    const V rest1 = hn::Mul(hn::Set(d, c.rest1), gradient);
    const V rest2 = hn::Mul(hn::Mul(hn::Set(d, c.rest2), gradient), gradient);
    const V m = multiply_add(d, hn::Set(d, c.beta1), hn::Load(d, first_moment + at), rest1);
    const V v = multiply_add(d, hn::Set(d, c.beta2), hn::Load(d, second_moment + at), rest2);
    const V root = hn::Add(hn::Sqrt(hn::Mul(v, hn::Set(d, c.root))), hn::Set(d, c.epsilon));
    const V step = hn::Div(hn::Mul(hn::Set(d, c.rate), m), root);
    hn::Store(m, d, first_moment + at);
    hn::Store(v, d, second_moment + at);
    hn::Store(hn::Sub(hn::Load(d, parameter + at), step), d, parameter + at);
  }
};

template <class T>
void forward(const VaeNetwork<Pointers<T>>& network) {
  const hn::ScalableTag<T> d;
  const MlpShape& shape = network.shape;
  const Index columns = network.columns;
  const T slope = static_cast<T>(shape.slope);
  for (Index i = 0; i < shape.layers; ++i) {
    const VaeLayer<Pointers<T>>& layer = network.layers[i];
    const bool activated = i + 1 < shape.layers;
    const bool at_once = activated && value_tells_slope(shape.activation);
    const BlockProduct<T> product{layer.outputs,     layer.inputs,     columns,    layer.parameters,
                                  layer.by_output(), layer.by_input(), layer.from, columns};
    multiply_blocks(d, product, Bias<T>{layer.parameters + layer.bias()},
                    StoreLeaky<T>{layer.to, columns, at_once ? slope : T(1)});
    if (!activated || at_once) continue;
    with_activation(shape.activation, [&](auto function) {
      activate(function, slope, layer.outputs * columns / activate_length, activate_length, layer.to,
               layer.slope);
    });
  }
}

/// The gradient by a layer's input, before the activation that `below` ends with if there is one.
template <class T>
void gradient_of_input(const VaeLayer<Pointers<T>>& layer, const VaeLayer<Pointers<T>>* below,
                       const MlpShape& shape, Index columns, T* to) {
  const hn::ScalableTag<T> d;
  const BlockProduct<T> product{layer.inputs,     layer.outputs,     columns,        layer.parameters,
                                layer.by_input(), layer.by_output(), layer.gradient, columns};
  if (below != nullptr && !value_tells_slope(shape.activation)) {
    multiply_blocks(d, product, Nothing{}, StoreTimesSlope<T>{to, columns, below->slope});
  } else {
    const T slope = below == nullptr ? T(1) : static_cast<T>(shape.slope);
    multiply_blocks(d, product, Nothing{}, StoreTimesLeakySlope<T>{to, columns, layer.from, slope});
  }
}

/// (rows, columns) to (columns, stride); both are whole vectors.
template <class T>
void transpose(Index rows, Index columns, const T* from, T* to, Index stride) {
#if HWY_TARGET == HWY_SCALAR
  for (Index column = 0; column < columns; ++column) {
    for (Index row = 0; row < rows; ++row) to[column * stride + row] = from[row * columns + column];
  }
#else
  const hn::ScalableTag<T> d;
  constexpr Index lanes = hn::MaxLanes(d);
  for (Index column = 0; column < columns; column += lanes) {
    for (Index row = 0; row < rows; row += lanes) {
      hn::Vec<decltype(d)> v[lanes];
      const T* from_row = from + row * columns + column;
      HWY_UNROLL(16)
      for (Index i = 0; i < lanes; ++i, from_row += columns) v[i] = hn::Load(d, from_row);
      transpose_square(d, v);
      T* to_row = to + column * stride + row;
      HWY_UNROLL(16)
      for (Index i = 0; i < lanes; ++i, to_row += stride) hn::Store(v[i], d, to_row);
    }
  }
#endif
}

/// The 16 accumulators of a row's sum (kernels/sum.h), halved once.
template <class D, class T>
HWY_INLINE void sum_lanes_of_row(D d, const T* row, Index columns, double* halved) {
  constexpr Index lanes = hn::MaxLanes(d), vectors = sum_lanes / lanes;
  const hn::Rebind<T, D> narrow;
  hn::Vec<D> sum[vectors];
  HWY_UNROLL(16)
  for (Index v = 0; v < vectors; ++v) sum[v] = hn::Zero(d);
  for (Index c = 0; c < columns; c += sum_lanes) {
    HWY_UNROLL(16)
    for (Index v = 0; v < vectors; ++v) {
      sum[v] = hn::Add(sum[v], hn::PromoteTo(d, hn::Load(narrow, row + c + v * lanes)));
    }
  }
  HWY_UNROLL(8)
  for (Index v = 0; v < vectors / 2; ++v)
    hn::Store(hn::Add(sum[v], sum[v + vectors / 2]), d, halved + v * lanes);
}

/// The sum of each row of (rows, columns) in the order of kernels/sum.h; columns are a multiple of sum_lanes. `sums` are
/// written up to a multiple of 8.
template <class T>
void sum_rows(const T* from, Index rows, Index columns, T* sums) {
  const hn::ScalableTag<double> d;
  constexpr Index group = sum_lanes / 2;  // rows that are halved side by side
  HWY_ALIGN double of_rows[group][group] = {}, by_lane[group][group];
  for (Index first = 0; first < rows; first += group) {
    for (Index r = first; r < std::min(rows, first + group); ++r) {
      sum_lanes_of_row(d, from + r * columns, columns, of_rows[r - first]);
    }
    transpose(group, group, of_rows[0], by_lane[0], group);
    for (Index half = group / 2; half > 0; half /= 2) {
      for (Index p = 0; p < half; ++p) {
        for (Index r = 0; r < group; ++r) by_lane[p][r] += by_lane[p + half][r];
      }
    }
    for (Index r = 0; r < group; ++r) sums[first + r] = static_cast<T>(by_lane[0][r]);
  }
}

template <class T>
void update(const VaeLayer<Pointers<T>>& layer, const AdamConstants<T>& adam, Index batch, Index columns,
            T* transposed) {
  const T* const gradient = layer.gradient;
  const hn::ScalableTag<T> d;
  const Index rows = layer.exchanged ? layer.inputs : layer.outputs;
  const T* const left = layer.exchanged ? layer.from : gradient;
  transpose(layer.stride, columns, layer.exchanged ? gradient : layer.from, transposed, layer.stride);
  const BlockProduct<T> product{rows, batch, layer.stride, left, columns, 1, transposed, layer.stride};
  const Update<T> step{adam, layer.parameters, layer.first_moment, layer.second_moment, layer.stride};
  multiply_blocks(d, product, Nothing{}, step);
  sum_rows(gradient, layer.outputs, columns, transposed);
  // Whole vectors: what follows the biases in their row is padding, which nothing reads.
  for (Index o = 0; o < layer.outputs; o += static_cast<Index>(hn::Lanes(d))) {
    step(d, 0, layer.bias() + o, hn::Load(d, transposed + o));
  }
}

/// From the gradient by the network's output to that by its input, `by_input`, if it is not null. `transposed` is room.
template <class T>
void backward(const VaeNetwork<Pointers<T>>& network, const AdamConstants<T>& adam,
              std::type_identity_t<T>* by_input, T* transposed) {
  const Index columns = network.columns;
  for (Index i = network.shape.layers - 1; i >= 0; --i) {
    const VaeLayer<Pointers<T>>& layer = network.layers[i];
    const VaeLayer<Pointers<T>>* const below = i > 0 ? &network.layers[i - 1] : nullptr;
    T* const to = below != nullptr ? below->gradient : by_input;
    if (to != nullptr) gradient_of_input(layer, below, network.shape, columns, to);
    if (network.trained) update(layer, adam, network.batch, columns, transposed);
  }
}

}  // namespace
}  // namespace elbow::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
