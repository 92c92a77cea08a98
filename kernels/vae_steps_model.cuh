#pragma once
// All steps of a model by a block of threads, and its validation, for kernels/vae_steps.cu.
#include "kernels/vae_steps_formulas.h"
#include "kernels/vae_steps_layers.cuh"

namespace elbow::kernels::cuda {

/// Team: who takes a sample from x to its gradients. Block: all threads.
template <class Team, class Block, class T, class Layout>
class VaeModel {
 public:
  /// `*outside`, which all threads share, is 0.
  __device__ __forceinline__ VaeModel(const VaeSteps<T>& steps, const Layout& layout, int* outside)
      : a_(steps), l_(layout), outside_(outside) {}

  /// How many steps were made.
  __device__ __forceinline__ Index make_steps() const {
    Index done = 0;
    while (done < a_.steps) {
      const VaeStretch stretch(a_, done);
      draw_order(stretch);
      Block::wait();
      for (Index i = 0; i < stretch.count; ++i, ++done) {
        const Index dealt = i % l_.ahead;
        if (dealt == 0) {
          const Index left = stretch.count - i;
          deal(done, left < l_.ahead ? left : l_.ahead, i);
          Block::wait();
        }
        if (!step(dealt, a_.adam[done])) return done;
      }
    }
    return done;
  }

  /// One thread adds up one of the two sums, another one the other.
  __device__ __forceinline__ void validate() const {
    const VaeValidation<T>& v = a_.validation;
    const int sum_of = thread_index() / 32;
    const bool adds = thread_index() % 32 == 0 && sum_of < 2;
    const Near<T> own = l_.losses + sum_of * static_cast<int>(l_.columns);
    ChunkedSum sum{v.chunk};
    prepare_prior();
    for (Index first = 0; first < v.samples; first += l_.encoder.batch) {
      const Index left = v.samples - first, count = l_.encoder.batch < left ? l_.encoder.batch : left;
      take_validation(first, count);
      Team::wait();
      propagate();
      Block::wait();
      losses(count);
      Block::wait();
      for (int s = 0; adds && s < count; ++s) sum.add(double{own[s]});
    }
    if (adds) a_.done[1 + sum_of] = sum.total();
  }

 private:
  static constexpr Index known_layers = Layout::known_layers;
  using Network = VaeNetwork<BlockMemory<T>>;

  template <class Threads>
  __device__ __forceinline__ void forward(Threads threads, const MlpShape& asked,
                                          const Network& network) const {
    if constexpr (known_layers > 0) {
      cuda::forward<known_layers>(threads, asked, network, a_.workspace);
    } else {
      forward_any(threads, asked, network, a_.workspace);
    }
  }

  template <class Threads>
  __device__ __forceinline__ void backward(Threads threads, const MlpShape& asked, const Network& network,
                                           const AdamConstants<T>& adam, bool with_input) const {
    const Near<T> by_input = l_.latent_gradient;
    if constexpr (known_layers > 0) {
      cuda::backward<known_layers>(threads, asked, network, adam, a_.workspace, with_input, by_input);
    } else {
      backward_any(threads, asked, network, adam, a_.workspace, with_input, by_input);
    }
  }

  /// Calls use(row, sample, place) for this thread's share of rows of the mini-batch.
  template <class Use>
  __device__ __forceinline__ void for_own_numbers(Index rows, const Use& use) const {
    for_own_samples(Team{}, rows, l_.encoder.batch, l_.columns, use);
  }

  /// The order of the samples, of a stretch.
  __device__ __forceinline__ void draw_order(const VaeStretch& stretch) const {
    std::uint32_t* const order = l_.order.in(a_.workspace);
    const Index batch = l_.encoder.batch;
    for_own(stretch.count * batch, [&](int i) {
      order[i] = static_cast<std::uint32_t>(
          shuffled(stretch.first_batch * batch + i, a_.samples, a_.seed, a_.shuffle_stream, stretch.epoch));
    });
  }

  /// The normals of block `block` of a sample's noise.
  __device__ __forceinline__ void draw_normals(std::uint32_t stream, std::uint32_t step, int sample,
                                               int block, Near<T> to) const {
    T normals[4];
    normals_from(
        philox(a_.seed, stream, step, static_cast<std::uint32_t>(sample), static_cast<std::uint32_t>(block)),
        normals);
#pragma unroll
    for (int k = 0; k < 4; ++k) {
      const int latent = 4 * block + k;
      if (latent < l_.latent_dim()) to[latent * static_cast<int>(l_.columns)] = normals[k];
    }
  }

  /// x and eps of steps [first, first + count), the samples being those of the order from mini-batch `batch` on: then many
  /// fetches and chains of rounds are on the way at a time.
  __device__ __forceinline__ void deal(Index first, Index count, Index batch) const {
    const std::uint32_t* const order = l_.order.in(a_.workspace) + batch * l_.encoder.batch;
    const int observation_dim = static_cast<int>(l_.observation_dim()),
              latent_dim = static_cast<int>(l_.latent_dim()), blocks = (latent_dim + 3) / 4,
              columns = static_cast<int>(l_.columns), each = (observation_dim + latent_dim) * columns;
    for_own_samples(Block{}, count * observation_dim, l_.encoder.batch, 0, [&](int i, int s, int) {
      const int step = i / observation_dim, c = i % observation_dim;
      l_.dealt[step * each + c * columns + s] =
          a_.data[order[step * l_.encoder.batch + s] * Index{observation_dim} + c];
    });
    for_own_samples(Block{}, count * blocks, l_.encoder.batch, 0, [&](int i, int s, int) {
      const int step = i / blocks;
      draw_normals(a_.noise_stream, a_.first_step + static_cast<std::uint32_t>(first + step), s, i % blocks,
                   l_.dealt + (step * each + observation_dim * columns + s));
    });
  }

  /// x and eps, from those of mini-batch number `dealt`.
  __device__ __forceinline__ void take(Index dealt) const {
    const int of_observation = static_cast<int>(l_.observation_dim() * l_.columns),
              of_latent = static_cast<int>(l_.latent_dim() * l_.columns);
    const Near<T> from = l_.dealt + static_cast<int>(dealt) * (of_observation + of_latent);
    for_own_numbers(l_.observation_dim(), [&](int, int, int at) { l_.observation[at] = from[at]; });
    for_own_numbers(l_.latent_dim(), [&](int, int, int at) { l_.noise[at] = from[of_observation + at]; });
  }

  /// x and eps of the validation's rows [first, first + count).
  __device__ __forceinline__ void take_validation(Index first, Index count) const {
    const VaeValidation<T>& v = a_.validation;
    for_own_numbers(l_.observation_dim(), [&](int c, int s, int at) {
      if (s < count) l_.observation[at] = v.data[(first + s) * l_.observation_dim() + c];
    });
    for_own_numbers((l_.latent_dim() + 3) / 4, [&](int block, int s, int) {
      draw_normals(v.noise_stream, v.draw, static_cast<int>(first) + s, block, l_.noise + s);
    });
  }

  /// Calls use(density, k, at) for latent k of each of the team's samples, `at` being its place in the rows of the batch.
  template <class Use>
  __device__ __forceinline__ void for_latents(const Use& use) const {
    with_prior(a_.prior, [&](auto density) {
      for_own_numbers(l_.latent_dim(), [&](int k, int, int at) { use(density, k, at); });
    });
  }

  __device__ __forceinline__ Near<T> posterior_log_variance() const {
    return l_.posterior + static_cast<int>(l_.latent_dim() * l_.columns);
  }

  /// f of x and eps.
  __device__ __forceinline__ void propagate() const {
    forward(Team{}, a_.encoder, l_.encoder);
    const Near<T> log_variance = posterior_log_variance();
    for_latents([&](auto density, int k, int at) {
      const PriorParameters<T> prior(a_, l_, k);
      l_.latent[at] = latent_term<decltype(density)>(a_.kl_form, l_.posterior[at], log_variance[at],
                                                     l_.noise[at], prior.a, prior.b)
                          .latent;
    });
    Team::wait();
    forward(Team{}, a_.decoder, l_.decoder);
  }

  /// Sets `*outside` if the loss might not be finite.
  __device__ __forceinline__ void check_range() const {
    const Index latent_dim = l_.latent_dim();
    bool any = false;
    for_own_numbers(2 * latent_dim, [&](int k, int, int at) {
      any |= is_outside(l_.posterior[at], k < latent_dim ? vae_steps_largest : vae_steps_largest_log);
    });
    for_own_numbers(l_.observation_dim(), [&](int, int, int at) {
      any |= is_residual_outside(l_.observation[at], l_.decoded[at]);
    });
    for_own(latent_dim,
            [&](int k) { any |= is_outside(PriorParameters<T>(a_, l_, k).a, T(vae_steps_largest_log)); });
    if (any) atomicExch(outside_, 1);
  }

  /// The gradient by f, of the mean over the batch.
  __device__ __forceinline__ void decoded_gradient() const {
    const T factor = reconstruction_factor(a_);
    const Near<T> gradient = l_.decoder.gradient;
    for_own_numbers(l_.observation_dim(), [&](int, int, int at) {
      gradient[at] = reconstruction_slope(factor, l_.observation[at], l_.decoded[at]);
    });
  }

  /// The gradient by mu | s, and of each sample by log v, from that by z.
  __device__ __forceinline__ void posterior_gradient() const {
    const T kl_gradient = kl_factor(a_);
    const Near<T> by_mu = l_.encoder.gradient, log_variance = posterior_log_variance(),
                  by_log_variance = by_mu + static_cast<int>(l_.latent_dim() * l_.columns);
    for_latents([&](auto density, int k, int at) {
      const PriorParameters<T> prior(a_, l_, k);
      const auto gradient = latent_term_gradient<decltype(density)>(
          a_.kl_form, l_.posterior[at], log_variance[at], l_.noise[at], prior.a, prior.b,
          l_.latent_gradient[at], kl_gradient);
      by_mu[at] = gradient.mu;
      by_log_variance[at] = gradient.log_variance;
      l_.log_variance_gradient[at] = gradient.a;
    });
  }

  /// A step on the mini-batch that was dealt as number `dealt`. False, with nothing changed, if the numbers leave the range in
  /// which the loss is finite for sure.
  __device__ __forceinline__ bool step(Index dealt, const AdamConstants<T>& adam) const {
    prepare_prior();
    take(dealt);
    Team::wait();
    propagate();
    check_range();
    decoded_gradient();
    Block::wait();
    if (*outside_ != 0) return false;
    backward(Team{}, a_.decoder, l_.decoder, adam, true);
    posterior_gradient();
    Team::wait();
    backward(Team{}, a_.encoder, l_.encoder, adam, false);
    if constexpr (!Team::is_block) {
      Block block;
      Block::wait();
      update<known_layers>(block, l_.decoder, adam, a_.workspace);
      update<known_layers>(block, l_.encoder, adam, a_.workspace);
    }
    if constexpr (known_layers == 0) condition(adam);
    Block::wait();
    return true;
  }

  /// log v, if it is learned.
  __device__ __forceinline__ void prepare_prior() const {
    if constexpr (known_layers == 0) forward(Block{}, a_.conditioner, l_.conditioner);
  }

  /// The conditioner's part of a step, once the gradient by log v of all samples is there.
  __device__ __forceinline__ void condition(const AdamConstants<T>& adam) const {
    if (l_.conditioner.shape.layers == 0) return;
    Block block;
    const Near<T> gradient = l_.conditioner.gradient;
    sum_rows(block, l_.log_variance_gradient, l_.latent_dim(), l_.encoder.batch, l_.columns,
             [&](int k, T sum) { gradient[k * static_cast<int>(l_.conditioner.columns)] = sum; });
    Block::wait();
    backward(block, a_.conditioner, l_.conditioner, adam, false);
  }

  /// -log p(x | z) and KL of `count` samples.
  __device__ __forceinline__ void losses(Index count) const {
    const int columns = static_cast<int>(l_.columns);
    const Near<T> log_variance = posterior_log_variance();
    for_own(count, [&](int s) {
      double squares = 0, divergence = 0;
      for (int c = 0; c < l_.observation_dim(); ++c) {
        const int at = c * columns + s;
        squares = add_squares(squares, &l_.observation[at], &l_.decoded[at], 1);
      }
      with_prior(a_.prior, [&](auto density) {
        for (int k = 0; k < l_.latent_dim(); ++k) {
          const PriorParameters<T> prior(a_, l_, k);
          const int at = k * columns + s;
          divergence += latent_term<decltype(density)>(a_.kl_form, l_.posterior[at], log_variance[at],
                                                       l_.noise[at], prior.a, prior.b)
                            .kl;
        }
      });
      l_.losses[s] = reconstruction_loss<T>(squares, a_.precision, a_.validation.reconstruction_constant);
      l_.losses[columns + s] = static_cast<T>(divergence);
    });
  }

  const VaeSteps<T>& a_;
  const Layout& l_;
  int* const outside_;
};

/// Calls use(flat, own) for this thread's elements of the network's arrays array_of(layer), and returns what follows them in the
/// flat array.
template <Index known_layers, class T, class ArrayOf, class Flat, class Use>
__device__ __forceinline__ Flat* for_elements(const VaeNetwork<BlockMemory<T>>& network,
                                              const ArrayOf& array_of, Flat* flat, const Use& use) {
  for_layers<known_layers>(network.shape.layers, [&](Index i) ELBOW_INLINED {
    const VaeLayer<BlockMemory<T>>& layer = network.layers[i];
    const auto array = array_of(layer);
    const int inputs = static_cast<int>(layer.inputs), outputs = static_cast<int>(layer.outputs),
              by_output = static_cast<int>(layer.by_output()), by_input = static_cast<int>(layer.by_input()),
              bias = static_cast<int>(layer.bias());
    for_own(outputs * inputs,
            [&](int e) { use(flat[e], array[e / inputs * by_output + e % inputs * by_input]); });
    flat += outputs * inputs;
    for_own(outputs, [&](int o) { use(flat[o], array[bias + o]); });
    flat += outputs;
  });
  return flat;
}

/// The same for everything that is trained: parameters and moments.
template <class T, class Layout, class Use>
__device__ __forceinline__ void for_all_trained(const VaeSteps<T>& a, const Layout& l, const Use& use) {
  constexpr Index known = Layout::known_layers;
  const auto of_array = [&](const auto& array_of, T* flat) {
    flat = for_elements<known, T>(l.encoder, array_of, flat, use);
    if (l.decoder.trained) flat = for_elements<known, T>(l.decoder, array_of, flat, use);
    if constexpr (known == 0) for_elements<0, T>(l.conditioner, array_of, flat, use);
  };
  using Layer = VaeLayer<BlockMemory<T>>;
  of_array([](const Layer& layer) { return layer.parameters; }, a.parameters);
  of_array([&](const Layer& layer) { return layer.first_moment.in(a.workspace); }, a.first_moment);
  of_array([&](const Layer& layer) { return layer.second_moment.in(a.workspace); }, a.second_moment);
}

/// The block's model, from its flat arrays and back.
template <class Team, class Block, class T, class Layout>
__device__ __forceinline__ void train(const VaeSteps<T>& a, const Layout& l, int* outside) {
  const auto load = [](const T& flat, T& own) { own = flat; };
  for_all_trained(a, l, load);
  if constexpr (Layout::known_layers == 0) {
    if (a.given_decoder != nullptr) {
      for_elements<0, T>(
          l.decoder, [](const VaeLayer<BlockMemory<T>>& layer) { return layer.parameters; }, a.given_decoder,
          load);
    }
  }
  if (thread_index() == 0) l.one[0] = T(1);
  const VaeModel<Team, Block, T, Layout> model(a, l, outside);
  const Index done = model.make_steps();
  if (thread_index() == 0) a.done[0] = static_cast<double>(done);
  if (done == a.steps && a.validation.samples > 0) model.validate();
  for_all_trained(a, l, [](T& flat, const T& own) { flat = own; });
}

/// What a block shares but its arrays; the model's steps are there when all threads have waited.
template <class T>
struct BlockModel {
  VaeSteps<T> steps;
  int outside;
  __device__ __forceinline__ void fetch(const VaeTrainings<T>& all) {
    const auto* const from = reinterpret_cast<const unsigned char*>(all.each + block_index());
    for_own(sizeof(VaeSteps<T>), [&](int i) { reinterpret_cast<unsigned char*>(&steps)[i] = from[i]; });
    if (thread_index() == 0) outside = 0;
  }
};

}  // namespace elbow::kernels::cuda
