#include "kernels/vae_steps.h"

#include "kernels/elbo_latent_formulas.h"
#include "kernels/elbo_reconstruction.h"
#include "kernels/philox.h"
#include "kernels/sum.h"
#include "kernels/vae_steps_layout.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/vae_steps.cpp"
#include "kernels/simd.h"
//
#include "kernels/interleave.h"
#include "kernels/register_blocks.h"

HWY_BEFORE_NAMESPACE();
namespace elbow::kernels::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
using namespace elbow::kernels::HWY_NAMESPACE;

/// Starts with the bias; a leaky ReLU is applied at once, other activations afterwards.
template <class T>
struct Bias {
  const T* bias;
  template <class D>
  HWY_INLINE hn::Vec<D> operator()(D d, Index row, Index) const {
    return hn::Set(d, bias[row]);
  }
};
template <class T>
struct StoreActivated {
  T* to;
  Index columns;
  bool leaky;
  T slope;
  template <class D>
  HWY_INLINE void operator()(D d, Index row, Index column, hn::Vec<D> sum) const {
    if (leaky) sum = hn::IfThenElse(hn::Gt(sum, hn::Zero(d)), sum, hn::Mul(hn::Set(d, slope), sum));
    hn::Store(sum, d, to + row * columns + column);
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
  const T* slopes;  ///< null: of a leaky ReLU, from its values; null too: as it is
  const T* values;
  T slope;
  template <class D>
  HWY_INLINE void operator()(D d, Index row, Index column, hn::Vec<D> sum) const {
    const Index at = row * columns + column;
    if (slopes != nullptr) {
      sum = hn::Mul(sum, hn::Load(d, slopes + at));
    } else if (values != nullptr) {
      sum =
          hn::IfThenElse(hn::Gt(hn::Load(d, values + at), hn::Zero(d)), sum, hn::Mul(sum, hn::Set(d, slope)));
    }
    hn::Store(sum, d, to + at);
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

/// Calls use(flat, own, length) for each row of the layers' arrays `own`, and returns what follows them in the flat array.
template <class T, class Flat, class Use>
Flat* for_rows(const MlpShape& shape, const VaeLayer<T>* layers, T* VaeLayer<T>::*own, Flat* flat,
               const Use& use) {
  for (Index i = 0; i < shape.layers; ++i) {
    const VaeLayer<T>& layer = layers[i];
    for (Index row = 0; row < layer.outputs; ++row, flat += layer.inputs) {
      use(flat, layer.*own + row * layer.stride, layer.inputs);
    }
    use(flat, layer.*own + layer.bias(), layer.outputs);
    flat += layer.outputs;
  }
  return flat;
}

/// The same for everything that is trained: parameters and moments.
template <class T, class Use>
void for_trained_rows(const VaeSteps<T>& a, const VaeStepsLayout<T>& l, const Use& use) {
  const auto of_array = [&](T* VaeLayer<T>::*own, T* flat) {
    flat = for_rows(a.encoder, l.encoder, own, flat, use);
    if (a.given_decoder == nullptr) for_rows(a.decoder, l.decoder, own, flat, use);
  };
  of_array(&VaeLayer<T>::parameters, a.parameters);
  of_array(&VaeLayer<T>::first_moment, a.first_moment);
  of_array(&VaeLayer<T>::second_moment, a.second_moment);
}

/// x and eps of step i.
template <class T>
void draw(const VaeSteps<T>& a, VaeStepsLayout<T>& l, Index i) {
  const Index observation_dim = a.encoder.widths[0], latent_dim = a.decoder.widths[0];
  const Index first = (a.first_batch + i) * a.batch;
  for (Index s = 0; s < l.columns; ++s) {
    const Index sample =
        shuffled(first + std::min(s, a.batch - 1), a.samples, a.seed, a.shuffle_stream, a.epoch);
    for (Index c = 0; c < observation_dim; ++c) {
      l.observation[c * l.columns + s] = a.data[sample * observation_dim + c];
    }
  }
  const std::uint32_t step = a.first_step + static_cast<std::uint32_t>(i);
  for (Index block = 0; 4 * block < latent_dim; ++block) {
    for (Index s = 0; s < l.columns; ++s) {
      T values[4];
      normals_from(philox(a.seed, a.noise_stream, step, static_cast<std::uint32_t>(s),
                          static_cast<std::uint32_t>(block)),
                   values);
      for (Index k = 4 * block; k < std::min(latent_dim, 4 * block + 4); ++k) {
        l.noise[k * l.columns + s] = values[k % 4];
      }
    }
  }
}

template <class T, class Function>
void activate(Function function, T parameter, Index count, T* value, T* slope) {
#pragma GCC unroll 1  // g++ would unroll a short formula before it looks for vectors
  for (Index i = 0; i < count; ++i) {
    const ValueAndSlope<T> found = function(value[i], parameter);
    value[i] = found.value;
    slope[i] = found.slope;
  }
}

template <class T>
void forward(const MlpShape& shape, const VaeLayer<T>* layers, Index columns) {
  const hn::ScalableTag<T> d;
  const T slope = static_cast<T>(shape.slope);
  for (Index i = 0; i < shape.layers; ++i) {
    const VaeLayer<T>& layer = layers[i];
    const bool activated = i + 1 < shape.layers;
    const bool at_once = activated && value_tells_slope(shape.activation);
    const BlockProduct<T> product{layer.outputs, layer.inputs, columns, layer.parameters, layer.stride, 1,
                                  layer.from,    columns};
    multiply_blocks(d, product, Bias<T>{layer.parameters + layer.bias()},
                    StoreActivated<T>{layer.to, columns, at_once, slope});
    if (!activated || at_once) continue;
    with_activation(shape.activation, [&](auto function) {
      activate(function, slope, layer.outputs * columns, layer.to, layer.slope);
    });
  }
}

/// z of mu | s and eps.
template <class Density, class T>
void sample_latent(const VaeSteps<T>& a, const VaeStepsLayout<T>& l) {
  const Index latent_dim = a.decoder.widths[0], columns = l.columns;
  for (Index k = 0; k < latent_dim; ++k) {
    const T* const mu = l.posterior + k * columns;
    const T* const log_variance = mu + latent_dim * columns;
    const T prior_a = a.prior_parameters[k], prior_b = a.prior_parameters[latent_dim + k];
    for (Index s = 0; s < columns; ++s) {
      l.latent[k * columns + s] =
          latent_term<Density>(a.kl_form, mu[s], log_variance[s], l.noise[k * columns + s], prior_a, prior_b)
              .latent;
    }
  }
}

/// Whether the loss is finite for sure.
template <class T>
bool within_range(const VaeSteps<T>& a, const VaeStepsLayout<T>& l) {
  const Index of_latents = a.decoder.widths[0] * l.columns, of_observations = a.encoder.widths[0] * l.columns;
  int outside = 0;
  for (Index i = 0; i < of_latents; ++i) {
    outside += !(math::absolute(l.posterior[i]) <= vae_steps_largest);
    outside += !(math::absolute(l.posterior[of_latents + i]) <= vae_steps_largest_log);
  }
  for (Index i = 0; i < of_observations; ++i) {
    outside += !(math::absolute(l.decoded[i] - l.observation[i]) <= vae_steps_largest);
  }
  return outside == 0;
}

/// The gradient by a layer's input, before that input's activation.
template <class T>
void gradient_of_input(const VaeLayer<T>& layer, const VaeLayer<T>* below, const MlpShape& shape,
                       Index columns, const T* gradient, T* to) {
  const hn::ScalableTag<T> d;
  const BlockProduct<T> product{layer.inputs, layer.outputs, columns, layer.parameters, 1,
                                layer.stride, gradient,      columns};
  const T* const slopes = below == nullptr ? nullptr : below->slope;
  const T* const values = below == nullptr ? nullptr : below->to;
  multiply_blocks(d, product, Nothing{},
                  StoreTimesSlope<T>{to, columns, slopes, values, static_cast<T>(shape.slope)});
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
  constexpr Index lanes = hn::MaxLanes(d), block = block_of<T>;
  for (Index column = 0; column < columns; column += block) {
    for (Index row = 0; row < rows; row += lanes) {
      hn::Vec<decltype(d)> v[block];
      interleave_block(d, from + row * columns + column, columns, v);
      for (Index i = 0; i < block; ++i) hn::Store(v[i], d, to + (column + i) * stride + row);
    }
  }
#endif
}

/// The sum of a row's first `count` elements in the order of kernels/sum.h.
template <class T>
T sum_in_order(const T* row, Index count) {
  double lane[sum_lanes] = {};
  Index i = 0;
  for (; i + sum_lanes <= count; i += sum_lanes) {
    for (int p = 0; p < sum_lanes; ++p) lane[p] += double(row[i + p]);
  }
  for (int p = 0; i < count; ++i, ++p) lane[p] += double(row[i]);
  return static_cast<T>(sum_by_halving(lane));
}

template <class T>
void update(const VaeLayer<T>& layer, const AdamConstants<T>& adam, Index batch, Index columns,
            const T* gradient, T* transposed) {
  const hn::ScalableTag<T> d;
  transpose(layer.stride, columns, layer.from, transposed, layer.stride);
  const BlockProduct<T> product{layer.outputs, batch, layer.stride, gradient,
                                columns,       1,     transposed,   layer.stride};
  multiply_blocks(d, product, Nothing{},
                  Update<T>{adam, layer.parameters, layer.first_moment, layer.second_moment, layer.stride});
  T* const bias = layer.parameters + layer.bias();
  T* const m = layer.first_moment + layer.bias();
  T* const v = layer.second_moment + layer.bias();
  for (Index o = 0; o < layer.outputs; ++o) transposed[o] = sum_in_order(gradient + o * columns, batch);
#pragma GCC ivdep
  for (Index o = 0; o < layer.outputs; ++o) adam_update(adam, transposed[o], bias[o], m[o], v[o]);
}

/// From the gradient by the output, in l.gradient[0], to that by the input, there too, if `with_input`.
template <class T>
void backward(const MlpShape& shape, const VaeLayer<T>* layers, const AdamConstants<T>& adam, Index batch,
              bool with_input, VaeStepsLayout<T>& l) {
  for (Index i = shape.layers - 1; i >= 0; --i) {
    const VaeLayer<T>& layer = layers[i];
    if (i > 0 || with_input) {
      gradient_of_input(layer, i > 0 ? &layers[i - 1] : nullptr, shape, l.columns, l.gradient[0],
                        l.gradient[1]);
    }
    if (layer.first_moment != nullptr) update(layer, adam, batch, l.columns, l.gradient[0], l.transposed);
    std::swap(l.gradient[0], l.gradient[1]);
  }
}

/// The gradient by f, (observation, columns), of the mean over the batch.
template <class T>
void decoded_gradient(const VaeSteps<T>& a, const VaeStepsLayout<T>& l) {
  const T factor = static_cast<T>(1.0 / static_cast<double>(a.batch)) * static_cast<T>(a.precision);
  for (Index i = 0; i < a.encoder.widths[0] * l.columns; ++i) {
    l.gradient[0][i] = reconstruction_slope(factor, l.observation[i], l.decoded[i]);
  }
}

/// The gradient by mu | s from that by z.
template <class Density, class T>
void posterior_gradient(const VaeSteps<T>& a, VaeStepsLayout<T>& l) {
  const Index latent_dim = a.decoder.widths[0], columns = l.columns;
  const T share = static_cast<T>(1.0 / static_cast<double>(a.batch));
  const T kl_gradient = a.beta == 1 ? share : static_cast<T>(a.beta) * share;
  for (Index k = 0; k < latent_dim; ++k) {
    const T prior_a = a.prior_parameters[k], prior_b = a.prior_parameters[latent_dim + k];
    for (Index s = 0; s < columns; ++s) {
      const Index mu = k * columns + s, log_variance = mu + latent_dim * columns;
      const auto gradient =
          latent_term_gradient<Density>(a.kl_form, l.posterior[mu], l.posterior[log_variance], l.noise[mu],
                                        prior_a, prior_b, l.gradient[0][mu], kl_gradient);
      l.gradient[1][mu] = gradient.mu;
      l.gradient[1][log_variance] = gradient.log_variance;
    }
  }
  std::swap(l.gradient[0], l.gradient[1]);
}

/// False, with nothing changed, if the numbers leave the range in which the loss is finite for sure.
template <class Density, class T>
bool step(const VaeSteps<T>& a, VaeStepsLayout<T>& l, Index i) {
  draw(a, l, i);
  forward(a.encoder, l.encoder, l.columns);
  sample_latent<Density>(a, l);
  forward(a.decoder, l.decoder, l.columns);
  if (!within_range(a, l)) return false;
  decoded_gradient(a, l);
  backward(a.decoder, l.decoder, a.adam[i], a.batch, true, l);
  posterior_gradient<Density>(a, l);
  backward(a.encoder, l.encoder, a.adam[i], a.batch, false, l);
  return true;
}

template <class T>
void vae_steps(const VaeSteps<T>& a) {
  VaeStepsLayout<T> l(a, a.workspace);
  std::fill_n(a.workspace, l.size(), T(0));
  const auto load = [](const T* flat, T* own, Index count) { std::copy_n(flat, count, own); };
  for_trained_rows(a, l, load);
  if (a.given_decoder != nullptr) {
    for_rows(a.decoder, l.decoder, &VaeLayer<T>::parameters, a.given_decoder, load);
  }
  *a.done = 0;
  with_prior(a.prior, [&](auto density) {
    while (*a.done < a.steps && step<decltype(density)>(a, l, *a.done)) ++*a.done;
  });
  for_trained_rows(a, l, [](T* flat, const T* own, Index count) { std::copy_n(own, count, flat); });
}

ELBOW_TARGET_ENTRY(vae_steps_float, VaeSteps<float>, vae_steps)

}  // namespace elbow::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace elbow::kernels {

template <class T>
Index vae_steps_workspace(const VaeSteps<T>& a) {
  return VaeStepsLayout<T>(a, nullptr).size();
}
template Index vae_steps_workspace(const VaeSteps<float>&);

namespace cpu {

ELBOW_DISPATCH(vae_steps_float, VaeSteps<float>)

}  // namespace cpu
}  // namespace elbow::kernels
#endif
