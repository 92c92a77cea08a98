#include "kernels/vae_steps.h"

#include "kernels/launch.cuh"
#include "kernels/philox.h"
#include "kernels/vae_steps_formulas.h"
#include "kernels/vae_steps_layers.cuh"

// One block makes all steps of a model without leaving its multiprocessor, and the hardware gives a multiprocessor whose block
// has ended the next one. Parameters and activations are in shared memory, Adam's moments and slopes of activations in global
// memory.
namespace elbow::kernels::cuda {

/// Calls use(flat, own) for this thread's elements of the network's arrays `own`, and returns what follows them in the flat
/// array.
template <class T, class Flat, class Use>
__device__ __forceinline__ Flat* for_elements(const VaeNetwork<T>& network, T* VaeLayer<T>::*own, Flat* flat,
                                              const Use& use) {
  for (Index i = 0; i < network.shape.layers; ++i) {
    const VaeLayer<T>& layer = network.layers[i];
    T* const array = layer.*own;
    for_own(layer.outputs, layer.inputs, layer.inputs,
            [&](int o, int k, int e) { use(flat[e], array[o * layer.by_output() + k * layer.by_input()]); });
    flat += layer.outputs * layer.inputs;
    for_own(layer.outputs, [&](int o) { use(flat[o], array[layer.bias() + o]); });
    flat += layer.outputs;
  }
  return flat;
}

/// The same for everything that is trained: parameters and moments.
template <class T, class Use>
__device__ __forceinline__ void for_all_trained(const VaeSteps<T>& a, const VaeStepsLayout<T>& l,
                                                const Use& use) {
  const auto of_array = [&](T* VaeLayer<T>::*own, T* flat) {
    flat = for_elements(l.encoder, own, flat, use);
    if (l.decoder.trained) flat = for_elements(l.decoder, own, flat, use);
    for_elements(l.conditioner, own, flat, use);
  };
  of_array(&VaeLayer<T>::parameters, a.parameters);
  of_array(&VaeLayer<T>::first_moment, a.first_moment);
  of_array(&VaeLayer<T>::second_moment, a.second_moment);
}

/// The order of the samples, of a stretch.
template <class T>
__device__ __forceinline__ void draw_order(const VaeSteps<T>& a, const VaeStepsLayout<T>& l,
                                           const VaeStretch& stretch) {
  for_own(stretch.count * a.batch, [&](int i) {
    l.order[i] = static_cast<std::uint32_t>(
        shuffled(stretch.first_batch * a.batch + i, a.samples, a.seed, a.shuffle_stream, stretch.epoch));
  });
}

/// x of `count` rows, row_of(s) of `data`.
template <class T, class RowOf>
__device__ __forceinline__ void take_rows(const VaeStepsLayout<T>& l, Index observation_dim, const T* data,
                                          Index count, const RowOf& row_of) {
  for_own(observation_dim, count, l.columns,
          [&](int c, int s, int at) { l.observation[at] = data[row_of(s) * observation_dim + c]; });
}

/// eps of a mini-batch, whose first sample is first_sample.
template <class T>
__device__ __noinline__ void draw_noise(const VaeSteps<T>& a, const VaeStepsLayout<T>& l,
                                        std::uint32_t stream, std::uint32_t step,
                                        std::uint32_t first_sample) {
  const Index latent_dim = a.decoder.widths[0];
  for_own((latent_dim + 3) / 4, a.batch, l.columns, [&](int block, int s, int) {
    T normals[4];
    normals_from(philox(a.seed, stream, step, first_sample + static_cast<std::uint32_t>(s),
                        static_cast<std::uint32_t>(block)),
                 normals);
#pragma unroll
    for (int k = 0; k < 4; ++k) {
      if (4 * block + k < latent_dim) l.noise[(4 * block + k) * l.columns + s] = normals[k];
    }
  });
}

/// Calls use(density, k, at) for latent k of each sample, `at` being its place in the rows of the batch.
template <class T, class Use>
__device__ __forceinline__ void for_latents(const VaeSteps<T>& a, const VaeStepsLayout<T>& l, Use use) {
  with_prior(a.prior, [&](auto density) {
    for_own(a.decoder.widths[0], a.batch, l.columns, [&](int k, int, int at) { use(density, k, at); });
  });
}

/// z of mu | s and eps.
template <class T>
__device__ __noinline__ void sample_latent(const VaeSteps<T>& a, const VaeStepsLayout<T>& l) {
  const T* const log_variance = l.posterior + a.decoder.widths[0] * l.columns;
  for_latents(a, l, [&](auto density, int k, int at) {
    const PriorParameters<T> prior(a, l, k);
    l.latent[at] = latent_term<decltype(density)>(a.kl_form, l.posterior[at], log_variance[at], l.noise[at],
                                                  prior.a, prior.b)
                       .latent;
  });
}

/// Sets `*outside` if the loss might not be finite.
template <class T>
__device__ __forceinline__ void check_range(const VaeSteps<T>& a, const VaeStepsLayout<T>& l, int* outside) {
  const Index latent_dim = a.decoder.widths[0];
  bool any = false;
  for_own(2 * latent_dim, a.batch, l.columns, [&](int k, int, int at) {
    any |= is_outside(l.posterior[at], k < latent_dim ? vae_steps_largest : vae_steps_largest_log);
  });
  for_own(a.encoder.widths[0], a.batch, l.columns,
          [&](int, int, int at) { any |= is_residual_outside(l.observation[at], l.decoded[at]); });
  for_own(latent_dim,
          [&](int k) { any |= is_outside(PriorParameters<T>(a, l, k).a, T(vae_steps_largest_log)); });
  if (any) atomicExch(outside, 1);
}

/// The gradient by f, of the mean over the batch.
template <class T>
__device__ __forceinline__ void decoded_gradient(const VaeSteps<T>& a, const VaeStepsLayout<T>& l,
                                                 T* gradient) {
  const T factor = reconstruction_factor(a);
  for_own(a.encoder.widths[0], a.batch, l.columns, [&](int, int, int at) {
    gradient[at] = reconstruction_slope(factor, l.observation[at], l.decoded[at]);
  });
}

/// The gradient by mu | s, and of each sample by log v, from that by z.
template <class T>
__device__ __forceinline__ void posterior_gradient(const VaeSteps<T>& a, const VaeStepsLayout<T>& l,
                                                   const T* by_latent, T* by_posterior) {
  const int log_variance = static_cast<int>(a.decoder.widths[0] * l.columns);
  const T kl_gradient = kl_factor(a);
  for_latents(a, l, [&](auto density, int k, int at) {
    const PriorParameters<T> prior(a, l, k);
    const auto gradient =
        latent_term_gradient<decltype(density)>(a.kl_form, l.posterior[at], l.posterior[log_variance + at],
                                                l.noise[at], prior.a, prior.b, by_latent[at], kl_gradient);
    by_posterior[at] = gradient.mu;
    by_posterior[log_variance + at] = gradient.log_variance;
    l.log_variance_gradient[at] = gradient.a;
  });
}

/// Step i on the samples `order`. False, with nothing changed, if the numbers leave the range in which the loss is finite for
/// sure. `*outside` is 0.
template <class T>
__device__ __noinline__ bool step(const VaeSteps<T>& a, const VaeStepsLayout<T>& l, Index i,
                                  const std::uint32_t* order, int* outside) {
  const AdamConstants<T>& adam = a.adam[i];
  Gradients<T> gradients{l.gradient[0], l.gradient[1]};
  take_rows(l, a.encoder.widths[0], a.data, a.batch, [=](int s) { return Index{order[s]}; });
  draw_noise(a, l, a.noise_stream, a.first_step + static_cast<std::uint32_t>(i), 0);
  __syncthreads();
  forward(l.conditioner);
  forward(l.encoder);
  sample_latent(a, l);
  __syncthreads();
  forward(l.decoder);
  check_range(a, l, outside);
  decoded_gradient(a, l, gradients.now);
  __syncthreads();
  if (*outside != 0) return false;
  gradients = backward(l.decoder, adam, true, gradients);
  posterior_gradient(a, l, gradients.now, gradients.next);
  __syncthreads();
  gradients = backward(l.encoder, adam, false, gradients.exchanged());
  if (a.conditioner.layers > 0) {
    sum_rows(l.log_variance_gradient, a.decoder.widths[0], a.batch, l.columns,
             [&](int k, T sum) { gradients.now[k * l.conditioner.columns] = sum; });
    __syncthreads();
    backward(l.conditioner, adam, false, gradients);
  }
  return true;
}

/// How many steps were made. `*outside` is 0.
template <class T>
__device__ __forceinline__ Index make_steps(const VaeSteps<T>& a, const VaeStepsLayout<T>& l, int* outside) {
  Index done = 0;
  while (done < a.steps) {
    const VaeStretch stretch(a, done);
    draw_order(a, l, stretch);
    __syncthreads();
    for (Index i = 0; i < stretch.count; ++i, ++done) {
      if (!step(a, l, done, l.order + i * a.batch, outside)) return done;
    }
  }
  return done;
}

/// -log p(x | z) and KL of `count` samples.
template <class T>
__device__ __forceinline__ void losses(const VaeSteps<T>& a, const VaeStepsLayout<T>& l, Index count,
                                       T* reconstruction, T* kl) {
  const int columns = static_cast<int>(l.columns);
  const int log_variance = static_cast<int>(a.decoder.widths[0]) * columns;
  for_own(count, [&](int s) {
    double squares = 0, divergence = 0;
    for (Index c = 0; c < a.encoder.widths[0]; ++c) {
      squares = add_squares(squares, l.observation + c * columns + s, l.decoded + c * columns + s, 1);
    }
    with_prior(a.prior, [&](auto density) {
      for (Index k = 0; k < a.decoder.widths[0]; ++k) {
        const PriorParameters<T> prior(a, l, k);
        const Index at = k * columns + s;
        divergence +=
            latent_term<decltype(density)>(a.kl_form, l.posterior[at], l.posterior[log_variance + at],
                                           l.noise[at], prior.a, prior.b)
                .kl;
      }
    });
    reconstruction[s] = reconstruction_loss<T>(squares, a.precision, a.validation.reconstruction_constant);
    kl[s] = static_cast<T>(divergence);
  });
}

/// One thread adds up one of the two sums, another one the other.
template <class T>
__device__ __noinline__ void validate(const VaeSteps<T>& a, const VaeStepsLayout<T>& l) {
  const VaeValidation<T>& v = a.validation;
  const int sum_of = thread_index() / 32;
  const bool adds = thread_index() % 32 == 0 && sum_of < 2;
  ChunkedSum sum{v.chunk};
  forward(l.conditioner);
  for (Index first = 0; first < v.samples; first += a.batch) {
    const Index count = a.batch < v.samples - first ? a.batch : v.samples - first;
    take_rows(l, a.encoder.widths[0], v.data, count, [=](int s) { return first + s; });
    draw_noise(a, l, v.noise_stream, v.draw, static_cast<std::uint32_t>(first));
    __syncthreads();
    forward(l.encoder);
    sample_latent(a, l);
    __syncthreads();
    forward(l.decoder);
    losses(a, l, count, l.gradient[0], l.gradient[1]);
    __syncthreads();
    for (Index s = 0; adds && s < count; ++s) sum.add(double{l.gradient[sum_of][s]});
  }
  if (adds) a.done[1 + sum_of] = sum.total();
}

template <class T>
__global__ void __launch_bounds__(vae_steps_threads, 1) vae_steps(VaeTrainings<T> all) {
  ELBOW_SHARED(VaeSteps<T>, steps, 1);
  ELBOW_SHARED(VaeStepsLayout<T>, layout, 1);
  ELBOW_SHARED(int, outside, 1);
  ELBOW_DYNAMIC_SHARED(T, shared);
  const VaeSteps<T>& a = steps[0];
  const VaeStepsLayout<T>& l = layout[0];
  const auto* const from = reinterpret_cast<const unsigned char*>(all.each + block_index());
  for_own(sizeof(VaeSteps<T>), [&](int i) { reinterpret_cast<unsigned char*>(steps)[i] = from[i]; });
  __syncthreads();
  if (thread_index() == 0) {
    Arena<T> near{shared, 0}, far{a.workspace, 0};
    layout[0].lay_out(a, apart_in_banks(), near, far);
    outside[0] = 0;
  }
  __syncthreads();
  const auto load = [](const T& flat, T& own) { own = flat; };
  for_all_trained(a, l, load);
  if (a.given_decoder != nullptr) for_elements(l.decoder, &VaeLayer<T>::parameters, a.given_decoder, load);
  if (thread_index() == 0) l.one[0] = T(1);
  const Index done = make_steps(a, l, outside);
  if (thread_index() == 0) a.done[0] = static_cast<double>(done);
  if (done == a.steps && a.validation.samples > 0) validate(a, l);
  for_all_trained(a, l, [](T& flat, const T& own) { flat = own; });
}

template <class T>
void run(const VaeTrainings<T>& a) {
  static_assert(sizeof(VaeStepsLayout<T>) + sizeof(VaeSteps<T>) + 64 <= vae_steps_own_memory);
  launch("vae_steps", vae_steps<T>, {a.count, vae_steps_threads, a.block_memory - vae_steps_own_memory}, a);
}

template void run(const VaeTrainings<float>&);

}  // namespace elbow::kernels::cuda
