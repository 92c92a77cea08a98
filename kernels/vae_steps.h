#pragma once
// Training steps of a VAE whose encoder and decoder are multi-layer perceptrons, each step whole and several at a time.
// Step i in [0, steps) of an epoch:
//   x        rows first_batch + i of the epoch's mini-batches, as kernels/gather.h has them
//   eps      normal numbers of kernels/random.h, step first_step + i
//   log v    conditioner(1), if there is one: the prior is N(0, v)
//   mu | s   encoder(x)
//   z        the sample of kernels/elbo_latent.h
//   f        decoder(z)
//   loss     mean over the batch of -log p(x | z) + beta KL (kernels/elbo_reconstruction.h, kernels/elbo_latent.h)
//   then the gradient of the loss by all parameters, and one step of kernels/adam.h with the constants adam[i].
//
// Every sum is in the order of the contract of the kernel that would do it alone, so the results are those of one kernel
// after another, to the bit. Parameters lie as in a flat array: for each layer its weight (out, in) and its bias (out), the
// encoder's layers, then the decoder's, then the conditioner's.
//
// The loss is not computed. `*done` says how many steps were made: all, or those before a step whose mu, s, log v or f - x
// leave the range below, where the loss might not be finite. That step has changed nothing.
#include "kernels/activations.h"
#include "kernels/adam.h"
#include "kernels/elbo_latent.h"
#include "kernels/types.h"

namespace elbow::kernels {

inline constexpr Index vae_steps_most_layers = 8;        ///< of each network
inline constexpr float vae_steps_largest = 1e8f;         ///< of |mu| and |f - x|
inline constexpr float vae_steps_largest_log = 35.0f;    ///< of |s| and |log v|
inline constexpr double vae_steps_largest_weight = 1e9;  ///< of precision and beta: then no loss overflows

struct MlpShape {
  Index layers;                             ///< at most vae_steps_most_layers
  Index widths[vae_steps_most_layers + 1];  ///< layer i maps widths[i] to widths[i + 1]
  Activation activation;
  double slope;  ///< of the leaky ReLUs for negative x
};

template <class T>
struct VaeSteps {
  MlpShape encoder;  ///< observation to mu | s
  MlpShape decoder;  ///< latent to observation
  MlpShape
      conditioner;  ///< a constant 1 to log v, with a Gaussian prior; no layers: the prior is not learned
  const T* given_decoder;  ///< parameters of a decoder that is not trained; null: those after the encoder's
  Prior prior;
  KlForm kl_form;
  const T* prior_parameters;  ///< (2, latent), see kernels/priors.h; with a conditioner not used
  double precision;           ///< gamma^2 > 0
  double beta;                ///< weight of the KL

  Index samples;  ///< at most 2^32
  const T* data;  ///< (samples, observation)
  Index batch;
  std::uint64_t seed;
  std::uint32_t shuffle_stream;
  std::uint32_t noise_stream;
  std::uint32_t epoch;
  Index first_batch;
  std::uint32_t first_step;
  Index steps;
  const AdamConstants<T>* adam;  ///< (steps), on the device like all arrays

  T* parameters;
  T* first_moment;
  T* second_moment;
  T* workspace;  ///< vae_steps_workspace() elements, aligned to 64 bytes
  T* done;
};

/// On either device.
template <class T>
Index vae_steps_workspace(const VaeSteps<T>&);  // float
/// On CUDA: how many bytes the block of threads shares that makes the steps, `vae_steps_own_memory` of them for other than
/// numbers.
template <class T>
std::size_t vae_steps_block_memory(const VaeSteps<T>&);  // float
inline constexpr std::size_t vae_steps_own_memory = 4096;

namespace cpu {
template <class T>
void run(const VaeSteps<T>&);  // float
}
namespace cuda {
template <class T>
void run(const VaeSteps<T>&);  // float
}

}  // namespace elbow::kernels
