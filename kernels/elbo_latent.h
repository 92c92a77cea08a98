#pragma once
// The latent half of the ELBO (eq. 1), fused: reparameterised sample and KL(q || p0), with all their
// gradients. The reconstruction half, on the other side of the decoder, is kernels/elbo_reconstruction.h.
//
// Per sample b and latent k, from encoder outputs mu and s = log sigma^2 (both in `encoder`, (batch, 2 dim),
// mu | s):
//   y = mu + exp(s / 2) eps                latent = squashed prior ? sigmoid(y) : y
//   sampled KL:     kl[b] = sum_k -( s + eps^2 + log(2 pi) ) / 2 - log p_y(y)
//   closed form:    kl[b] = sum_k ( (exp(s) + mu^2) / v + log v - 1 - s ) / 2
//                   (Gaussian prior N(0, v) only)
// log p_y is the prior's log density in the unsquashed coordinate, log p0(z) + log z(1 - z) where z =
// sigmoid(y); the priors and the meaning of their two parameter rows stand in kernels/priors.h. kl is in nats
// and is summed over k ascending, in float64.
//
// Backward, from gradients with respect to latent (batch, dim) and kl (batch):
//   encoder_gradient (batch, 2 dim), overwritten; parameter_gradient (2, dim), overwritten, summed over b
//   as kernels/sum.h sums. Nothing is kept from the forward pass but its inputs. batch == 0 gives a zero
//   parameter_gradient.
#include "kernels/priors.h"
#include "kernels/sum.h"
#include "kernels/types.h"

namespace elbow::kernels {

/// How KL(q || p0) is computed in training.
enum class KlForm { sampled, closed };

template <class T>
struct ElboLatent {
  Prior prior;
  KlForm kl_form;
  Index batch;
  Index dim;
  const T* encoder;     ///< (batch, 2 dim)
  const T* parameters;  ///< (2, dim), see kernels/priors.h
  const T* noise;       ///< eps, (batch, dim)
  T* latent;            ///< (batch, dim)
  T* kl;                ///< (batch)
};

template <class T>
struct ElboLatentBackward {
  Prior prior;
  KlForm kl_form;
  Index batch;
  Index dim;
  const T* encoder;
  const T* parameters;
  const T* noise;
  const T* latent_gradient;  ///< (batch, dim)
  const T* kl_gradient;      ///< (batch)
  T* encoder_gradient;       ///< (batch, 2 dim)
  T* parameter_gradient;     ///< (2, dim)
};

namespace cpu {
template <class T>
void run(const ElboLatent<T>&);  // float, double
template <class T>
void run(const ElboLatentBackward<T>&);  // float, double
}  // namespace cpu
namespace cuda {
template <class T>
void run(const ElboLatent<T>&);  // float, double
template <class T>
void run(const ElboLatentBackward<T>&);  // float, double
}  // namespace cuda

}  // namespace elbow::kernels
