#pragma once
// Training steps of VAEs whose encoder and decoder are multi-layer perceptrons: each step whole, several at a time, of several
// models that know nothing of each other, and the ELBO of a validation set where they end. An epoch has samples / batch steps.
// Step i in [0, steps) of a model:
//   x        a mini-batch as kernels/gather.h has them: number first_batch + i, counted on from `epoch` into the next ones
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
// The loss is not computed. done[0] says how many steps were made: all, or those before a step whose mu, s, log v or f - x
// leave the range below, where the loss might not be finite. That step has changed nothing.
//
// A model that has made all of them is validated, if it has validation.samples: -log p(x | z) and KL of every sample, with eps
// of sample = row, go into done[1] and done[2], sums in float64 over the rows of each chunk ascending, then over the chunks.
#include "kernels/activations.h"
#include "kernels/adam.h"
#include "kernels/elbo_latent.h"
#include "kernels/types.h"

namespace elbow::kernels {

inline constexpr Index vae_steps_most_layers = 8;        ///< of each network
inline constexpr Index vae_steps_stretch = 128;          ///< steps whose samples' order is drawn at once
inline constexpr float vae_steps_largest = 1e8f;         ///< of |mu| and |f - x|
inline constexpr float vae_steps_largest_log = 35.0f;    ///< of |s| and |log v|
inline constexpr double vae_steps_largest_weight = 1e9;  ///< of precision and beta: then no loss overflows

struct MlpShape {
  Index layers;                             ///< at most vae_steps_most_layers
  Index widths[vae_steps_most_layers + 1];  ///< layer i maps widths[i] to widths[i + 1]
  Activation activation;
  double slope;  ///< of the leaky ReLUs for negative x
};

/// What the steps of a model end with.
template <class T>
struct VaeValidation {
  Index samples;  ///< 0: they do not
  const T* data;  ///< (samples, observation)
  Index chunk;    ///< rows
  std::uint32_t noise_stream;
  std::uint32_t draw;              ///< the noise's step
  double reconstruction_constant;  ///< of kernels/elbo_reconstruction.h
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
  Index steps;                   ///< with a validation at least 1
  const AdamConstants<T>* adam;  ///< (steps), on the device like all arrays
  VaeValidation<T> validation;

  T* parameters;
  T* first_moment;
  T* second_moment;
  T* workspace;  ///< vae_steps_workspace() elements, aligned to 64 bytes
  double* done;  ///< (3); of the last two nothing is known without a validation
};

/// What the shapes of several models have in common: how a block of threads goes about one. `fig2` and `moebius` are those of
/// the two figures, which the compiler knows; `narrow` has no layer wider than 32.
enum class VaeShapes { any, narrow, fig2, moebius };

template <class T>
struct VaeTrainings {
  Index count;
  const VaeSteps<T>* each;   ///< (count), on the device
  std::size_t block_memory;  ///< the most vae_steps_block_memory() of them
  VaeShapes shapes;          ///< in_common() of all vae_shapes()
};

/// On either device, whatever the steps.
template <class T>
Index vae_steps_workspace(const VaeSteps<T>&);  // float
/// On CUDA: how many bytes the block of threads shares that makes a model's steps, `vae_steps_own_memory` of them for other than
/// numbers.
template <class T>
std::size_t vae_steps_block_memory(const VaeSteps<T>&);  // float
inline constexpr std::size_t vae_steps_own_memory = 4096;
template <class T>
VaeShapes vae_shapes(const VaeSteps<T>&);  // float
VaeShapes in_common(VaeShapes, VaeShapes);

namespace cpu {
template <class T>
void run(const VaeTrainings<T>&);  // float
}
namespace cuda {
template <class T>
void run(const VaeTrainings<T>&);  // float
}

}  // namespace elbow::kernels
