#include "kernels/vae_steps.h"

#include <algorithm>
#include <utility>

#include "kernels/vae_steps_formulas.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/vae_steps.cpp"
#include "kernels/simd.h"
//
#include "kernels/philox_vectors.h"
#include "kernels/vae_steps_layers.h"

HWY_BEFORE_NAMESPACE();
namespace elbow::kernels::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
using namespace elbow::kernels::HWY_NAMESPACE;

/// Calls use(flat, own) for each element of the network's arrays `own`, and returns what follows them in the flat array.
template <class T, class Flat, class Use>
Flat* for_elements(const VaeNetwork<Pointers<T>>& network, T* VaeLayer<Pointers<T>>::*own, Flat* flat,
                   const Use& use) {
  for (Index i = 0; i < network.shape.layers; ++i) {
    const VaeLayer<Pointers<T>>& layer = network.layers[i];
    T* const array = layer.*own;
    for (Index o = 0; o < layer.outputs; ++o) {
      for (Index k = 0; k < layer.inputs; ++k)
        use(*flat++, array[o * layer.by_output() + k * layer.by_input()]);
    }
    for (Index o = 0; o < layer.outputs; ++o) use(*flat++, array[layer.bias() + o]);
  }
  return flat;
}

/// The same for everything that is trained: parameters and moments.
template <class T, class Use>
void for_all_trained(const VaeSteps<T>& a, const VaeStepsLayout<Pointers<T>>& l, const Use& use) {
  const auto of_array = [&](T* VaeLayer<Pointers<T>>::*own, T* flat) {
    for (const VaeNetwork<Pointers<T>>* network : {&l.encoder, &l.decoder, &l.conditioner}) {
      if (network->trained) flat = for_elements(*network, own, flat, use);
    }
  };
  of_array(&VaeLayer<Pointers<T>>::parameters, a.parameters);
  of_array(&VaeLayer<Pointers<T>>::first_moment, a.first_moment);
  of_array(&VaeLayer<Pointers<T>>::second_moment, a.second_moment);
}

/// The order of `count` samples, at most order_block, that are the ones from `first` on before they are mixed; mixed
/// (shuffle_rounds, 2^half) is what mixes.
inline constexpr Index order_block = 512;
HWY_INLINE void draw_order_of_block(std::uint32_t samples, const std::uint32_t* mixed, std::uint32_t first,
                                    Index count, std::uint32_t* order) {
  const int half = shuffle_half(samples);
  const auto mix = [=](std::uint32_t round, std::uint32_t right) { return mixed[(round << half) + right]; };
  // Those that have not landed inside: where they are, and which place of `order` they are for.
  std::uint32_t index[order_block];
  std::uint16_t place[order_block];
  Index left = 0;
  const auto walk = [&](std::uint32_t from, Index to) {
    const auto next = static_cast<std::uint32_t>(shuffle_step(from, half, mix));
    order[to] = next;
    index[left] = next;
    place[left] = static_cast<std::uint16_t>(to);
    left += next >= samples;
  };
  for (Index i = 0; i < count; ++i) walk(first + static_cast<std::uint32_t>(i), i);
  while (left > 0) {
    const Index walking = std::exchange(left, 0);
    for (Index w = 0; w < walking; ++w) walk(index[w], place[w]);
  }
}

/// The order of the samples, of a stretch. What mixes the halves of an index is a function of one half, and there are few.
template <class T>
void draw_order(const VaeSteps<T>& a, const VaeStepsLayout<Pointers<T>>& l, const VaeStretch& stretch) {
  const Words d;
  const auto lanes = static_cast<std::uint32_t>(hn::Lanes(d));
  const std::uint32_t count = std::uint32_t{1} << shuffle_half(a.samples);
  for (std::uint32_t round = 0; round < shuffle_rounds; ++round) {
    for (std::uint32_t right = 0; right < count; right += lanes) {
      WordVector c[4] = {hn::Set(d, a.shuffle_stream), hn::Set(d, stretch.epoch), hn::Iota(d, right),
                         hn::Set(d, round)};
      philox(a.seed, c);
      hn::StoreU(hn::And(c[0], hn::Set(d, count - 1)), d, l.mixed + round * count + right);
    }
  }
  const Index end = stretch.count * a.batch;
  for (Index i = 0; i < end; i += order_block) {
    draw_order_of_block(static_cast<std::uint32_t>(a.samples), l.mixed,
                        static_cast<std::uint32_t>(stretch.first_batch * a.batch + i),
                        std::min(order_block, end - i), l.order + i);
  }
}

/// x of `count` rows, row_of(s) of `data`; the last one fills the vectors.
template <class T, class RowOf>
void take_rows(const VaeStepsLayout<Pointers<T>>& l, Index observation_dim, const T* data, Index count,
               const RowOf& row_of) {
  for (Index s = 0; s < l.columns; ++s) {
    const T* const sample = data + row_of(std::min(s, count - 1)) * observation_dim;
    for (Index c = 0; c < observation_dim; ++c) l.observation[c * l.columns + s] = sample[c];
  }
}

/// eps of the samples from first_sample on. Words of many samples before their normals: chains that are long enough each.
template <class T>
void draw_noise(const VaeSteps<T>& a, const VaeStepsLayout<Pointers<T>>& l, std::uint32_t stream,
                std::uint32_t step, Index first_sample) {
  constexpr Index most = 4 * vae_steps_alignment;
  const Index latent_dim = a.decoder.widths[0];
  const Words d;
  HWY_ALIGN std::uint32_t words[4][most];
  HWY_ALIGN T normals[4][most];
  for (Index block = 0; 4 * block < latent_dim; ++block) {
    for (Index first = 0; first < l.columns; first += most) {
      const Index count = std::min(most, l.columns - first);
      for (Index s = 0; s < count; s += static_cast<Index>(hn::Lanes(d))) {
        WordVector c[4] = {hn::Set(d, stream), hn::Set(d, step),
                           hn::Iota(d, static_cast<std::uint32_t>(first_sample + first + s)),
                           hn::Set(d, static_cast<std::uint32_t>(block))};
        philox(a.seed, c);
        for (int word = 0; word < 4; ++word) hn::Store(c[word], d, words[word] + s);
      }
      for (int w = 0; w < 4; w += 2) {
        for (Index s = 0; s < count; ++s) {
          normal_pair(words[w][s], words[w + 1][s], normals[w][s], normals[w + 1][s]);
        }
      }
      for (Index k = 4 * block; k < std::min(latent_dim, 4 * block + 4); ++k) {
        std::copy_n(normals[k % 4], count, l.noise + k * l.columns + first);
      }
    }
  }
}

/// z of mu | s and eps.
template <class Density, class T>
void sample_latent(const VaeSteps<T>& a, const VaeStepsLayout<Pointers<T>>& l) {
  const Index latent_dim = a.decoder.widths[0], columns = l.columns;
  const KlForm form = a.kl_form;
  for (Index k = 0; k < latent_dim; ++k) {
    const T* const mu = l.posterior + k * columns;
    const T* const log_variance = mu + latent_dim * columns;
    const T* const noise = l.noise + k * columns;
    T* const latent = l.latent + k * columns;
    const PriorParameters<T> prior(a, l, k);
#pragma GCC ivdep
    for (Index s = 0; s < columns; ++s) {
      latent[s] = latent_term<Density>(form, mu[s], log_variance[s], noise[s], prior.a, prior.b).latent;
    }
  }
}

/// Whether the loss is finite for sure.
template <class T>
bool within_range(const VaeSteps<T>& a, const VaeStepsLayout<Pointers<T>>& l) {
  const Index of_latents = a.decoder.widths[0] * l.columns, of_observations = a.encoder.widths[0] * l.columns;
  int outside = 0;
  for (Index i = 0; i < of_latents; ++i) {
    outside += is_outside(l.posterior[i], vae_steps_largest);
    outside += is_outside(l.posterior[of_latents + i], vae_steps_largest_log);
  }
  for (Index i = 0; i < of_observations; ++i) {
    outside += is_residual_outside(l.observation[i], l.decoded[i]);
  }
  for (Index k = 0; k < a.decoder.widths[0]; ++k) {
    outside += is_outside(PriorParameters<T>(a, l, k).a, vae_steps_largest_log);
  }
  return outside == 0;
}

/// Samples that fill the last vector have no part in the gradient, (rows, columns).
template <class T>
void clear_padding(Index rows, Index batch, Index columns, T* gradient) {
  for (Index row = 0; row < rows; ++row) {
    std::fill(gradient + row * columns + batch, gradient + (row + 1) * columns, T(0));
  }
}

/// The gradient by f, (observation, columns), of the mean over the batch.
template <class T>
void decoded_gradient(const VaeSteps<T>& a, const VaeStepsLayout<Pointers<T>>& l) {
  const T factor = reconstruction_factor(a);
  T* const gradient = l.decoder.gradient;
  for (Index i = 0; i < a.encoder.widths[0] * l.columns; ++i) {
    gradient[i] = reconstruction_slope(factor, l.observation[i], l.decoded[i]);
  }
  clear_padding(a.encoder.widths[0], a.batch, l.columns, gradient);
}

/// The gradient by mu | s from that by z.
template <class Density, KlForm form, class T>
void posterior_gradient(const VaeSteps<T>& a, const VaeStepsLayout<Pointers<T>>& l) {
  const Index latent_dim = a.decoder.widths[0], columns = l.columns;
  const T kl_gradient = kl_factor(a);
  for (Index k = 0; k < latent_dim; ++k) {
    const T* const mu = l.posterior + k * columns;
    const T* const log_variance = mu + latent_dim * columns;
    const T* const noise = l.noise + k * columns;
    const T* const by_latent = l.latent_gradient + k * columns;
    T* const by_mu = l.encoder.gradient + k * columns;
    T* const by_log_variance = by_mu + latent_dim * columns;
    [[maybe_unused]] T* const by_prior = l.log_variance_gradient + k * columns;
    // Of one number for all samples g++ makes conditions that it cannot put into vectors.
    T prior_a[vae_steps_alignment], prior_b[vae_steps_alignment];
    const PriorParameters<T> prior(a, l, k);
    std::fill_n(prior_a, vae_steps_alignment, prior.a);
    std::fill_n(prior_b, vae_steps_alignment, prior.b);
    for (Index first = 0; first < columns; first += vae_steps_alignment) {
#pragma GCC ivdep
      for (Index i = 0; i < vae_steps_alignment; ++i) {
        const Index s = first + i;
        const auto gradient = latent_term_gradient<Density>(
            form, mu[s], log_variance[s], noise[s], prior_a[i], prior_b[i], by_latent[s], kl_gradient);
        by_mu[s] = gradient.mu;
        by_log_variance[s] = gradient.log_variance;
        if constexpr (std::is_same_v<Density, priors::gaussian>) by_prior[s] = gradient.a;
      }
    }
  }
  clear_padding(2 * latent_dim, a.batch, columns, l.encoder.gradient);
}

/// The gradient by log v, of all samples, becomes one of the conditioner's output.
template <class T>
void conditioner_gradient(const VaeSteps<T>& a, const VaeStepsLayout<Pointers<T>>& l) {
  const Index latent_dim = a.decoder.widths[0];
  clear_padding(latent_dim, a.batch, l.columns, l.log_variance_gradient);
  sum_rows(l.log_variance_gradient, latent_dim, l.columns, l.transposed);
  T* const gradient = l.conditioner.gradient;
  for (Index k = 0; k < latent_dim; ++k) gradient[k * l.conditioner.columns] = l.transposed[k];
  clear_padding(latent_dim, 1, l.conditioner.columns, gradient);
}

/// Step i on the samples `order`. False, with nothing changed, if the numbers leave the range in which the loss is finite for
/// sure.
template <class Density, KlForm form, class T>
bool step(const VaeSteps<T>& a, const VaeStepsLayout<Pointers<T>>& l, Index i, const std::uint32_t* order) {
  take_rows(l, a.encoder.widths[0], a.data, a.batch, [&](Index s) { return Index{order[s]}; });
  draw_noise(a, l, a.noise_stream, a.first_step + static_cast<std::uint32_t>(i), 0);
  forward(l.conditioner);
  forward(l.encoder);
  sample_latent<Density>(a, l);
  forward(l.decoder);
  if (!within_range(a, l)) return false;
  decoded_gradient(a, l);
  backward(l.decoder, a.adam[i], l.latent_gradient, l.transposed);
  posterior_gradient<Density, form>(a, l);
  backward(l.encoder, a.adam[i], nullptr, l.transposed);
  if (a.conditioner.layers > 0) {
    conditioner_gradient(a, l);
    backward(l.conditioner, a.adam[i], nullptr, l.transposed);
  }
  return true;
}

/// How many steps were made.
template <class Density, KlForm form, class T>
Index make_steps(const VaeSteps<T>& a, const VaeStepsLayout<Pointers<T>>& l) {
  Index done = 0;
  while (done < a.steps) {
    const VaeStretch stretch(a, done);
    draw_order(a, l, stretch);
    for (Index i = 0; i < stretch.count; ++i, ++done) {
      if (!step<Density, form>(a, l, done, l.order + i * a.batch)) return done;
    }
  }
  return done;
}

/// -log p(x | z) and KL of each sample, (columns) both.
template <class Density, KlForm form, class T>
void losses(const VaeSteps<T>& a, const VaeStepsLayout<Pointers<T>>& l, T* reconstruction, T* kl) {
  const Index latent_dim = a.decoder.widths[0], columns = l.columns;
  for (Index first = 0; first < columns; first += vae_steps_alignment) {
    double squares[vae_steps_alignment] = {}, divergence[vae_steps_alignment] = {};
    for (Index c = 0; c < a.encoder.widths[0]; ++c) {
      const T* const x = l.observation + c * columns + first;
      const T* const f = l.decoded + c * columns + first;
      for (Index i = 0; i < vae_steps_alignment; ++i) squares[i] = add_squares(squares[i], x + i, f + i, 1);
    }
    for (Index k = 0; k < latent_dim; ++k) {
      const PriorParameters<T> prior(a, l, k);
      const T* const mu = l.posterior + k * columns + first;
      const T* const log_variance = mu + latent_dim * columns;
      const T* const noise = l.noise + k * columns + first;
      for (Index i = 0; i < vae_steps_alignment; ++i) {
        divergence[i] += latent_term<Density>(form, mu[i], log_variance[i], noise[i], prior.a, prior.b).kl;
      }
    }
    for (Index i = 0; i < vae_steps_alignment; ++i) {
      reconstruction[first + i] =
          reconstruction_loss<T>(squares[i], a.precision, a.validation.reconstruction_constant);
      kl[first + i] = static_cast<T>(divergence[i]);
    }
  }
}

template <class Density, KlForm form, class T>
void validate(const VaeSteps<T>& a, const VaeStepsLayout<Pointers<T>>& l) {
  const VaeValidation<T>& v = a.validation;
  ChunkedSum reconstruction{v.chunk}, kl{v.chunk};
  T* const of_reconstruction = l.losses;
  T* const of_kl = of_reconstruction + l.columns;
  forward(l.conditioner);
  for (Index first = 0; first < v.samples; first += a.batch) {
    const Index count = std::min(a.batch, v.samples - first);
    take_rows(l, a.encoder.widths[0], v.data, count, [&](Index s) { return first + s; });
    draw_noise(a, l, v.noise_stream, v.draw, first);
    forward(l.encoder);
    sample_latent<Density>(a, l);
    forward(l.decoder);
    losses<Density, form>(a, l, of_reconstruction, of_kl);
    for (Index s = 0; s < count; ++s) {
      reconstruction.add(double{of_reconstruction[s]});
      kl.add(double{of_kl[s]});
    }
  }
  a.done[1] = reconstruction.total();
  a.done[2] = kl.total();
}

template <KlForm form, class T>
void train(const VaeSteps<T>& a, const VaeStepsLayout<Pointers<T>>& l) {
  with_prior(a.prior, [&](auto density) {
    using Density = decltype(density);
    const Index done = make_steps<Density, form>(a, l);
    a.done[0] = static_cast<double>(done);
    if (done == a.steps && a.validation.samples > 0) validate<Density, form>(a, l);
  });
}

template <class T>
void train(const VaeSteps<T>& a) {
  Arena<T> memory{a.workspace, 0};
  VaeStepsLayout<Pointers<T>> l;
  l.lay_out(a, whole_vectors(), memory, memory);
  std::fill_n(a.workspace, memory.size, T(0));
  const auto load = [](const T& flat, T& own) { own = flat; };
  for_all_trained(a, l, load);
  if (a.given_decoder != nullptr)
    for_elements(l.decoder, &VaeLayer<Pointers<T>>::parameters, a.given_decoder, load);
  std::fill_n(l.one, l.conditioner.columns, T(1));
  if (a.kl_form == KlForm::closed) {
    train<KlForm::closed>(a, l);
  } else {
    train<KlForm::sampled>(a, l);
  }
  for_all_trained(a, l, [](T& flat, const T& own) { flat = own; });
}

template <class T>
void train(const VaeTrainings<T>& a) {
  for (Index i = 0; i < a.count; ++i) train(a.each[i]);
}

ELBOW_TARGET_ENTRY(vae_steps_float, VaeTrainings<float>, train)

}  // namespace elbow::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace elbow::kernels::cpu {

ELBOW_DISPATCH(vae_steps_float, VaeTrainings<float>)

}  // namespace elbow::kernels::cpu
#endif
