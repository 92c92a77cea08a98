#include "kernels/elbo_latent.h"

#include "kernels/elbo_latent_formulas.h"
#include "kernels/launch.cuh"

namespace elbow::kernels::cuda {

/// One thread per sample.
template <class Density, class T>
__global__ void elbo_latent(ElboLatent<T> a) {
  for (Index i = global_index(); i < a.batch; i += global_threads()) {
    const T* mu = a.encoder + 2 * i * a.dim;
    double kl = 0;
    for (Index k = 0; k < a.dim; ++k) {
      const auto term = latent_term<Density>(a.kl_form, mu[k], mu[a.dim + k], a.noise[i * a.dim + k],
                                             a.parameters[k], a.parameters[a.dim + k]);
      a.latent[i * a.dim + k] = term.latent;
      kl += term.kl;
    }
    a.kl[i] = static_cast<T>(kl);
  }
}

/// One block per latent, one thread per sample of a chunk of the batch. Of the first warp, sum_lanes threads add up the
/// chunk's terms of each of the prior's two parameters.
template <class Density, class T, int threads>
__global__ void elbo_latent_backward(ElboLatentBackward<T> a) {
  static_assert(2 * sum_lanes == 32 && threads % sum_lanes == 0);
  using Terms = double[threads];
  ELBOW_SHARED(Terms, terms, 2);
  const Index k = block_index();
  const int thread = thread_index();
  const int parameter = thread / sum_lanes;
  const int lane = thread % sum_lanes;
  double total = 0;
  for (Index first = 0; first < a.batch; first += threads) {
    const Index i = first + thread;
    if (i < a.batch) {
      const Index mu = 2 * i * a.dim + k;
      const Index log_variance = mu + a.dim;
      const auto gradient = latent_term_gradient<Density>(
          a.kl_form, a.encoder[mu], a.encoder[log_variance], a.noise[i * a.dim + k], a.parameters[k],
          a.parameters[a.dim + k], a.latent_gradient[i * a.dim + k], a.kl_gradient[i]);
      a.encoder_gradient[mu] = gradient.mu;
      a.encoder_gradient[log_variance] = gradient.log_variance;
      terms[0][thread] = static_cast<double>(gradient.a);
      terms[1][thread] = static_cast<double>(gradient.b);
    }
    __syncthreads();
    if (parameter < 2) {
      const Index count = a.batch - first < threads ? a.batch - first : threads;
      for (Index j = lane; j < count; j += sum_lanes) total += terms[parameter][j];
    }
    __syncthreads();
  }
  if (parameter < 2) {
    total = sum_by_halving<sum_lanes>(total);
    if (lane == 0) a.parameter_gradient[parameter * a.dim + k] = static_cast<T>(total);
  }
}

template <class T>
void run(const ElboLatent<T>& a) {
  with_prior(a.prior, [&a](auto density) {
    launch("elbo_latent", elbo_latent<decltype(density), T>, per_element(a.batch), a);
  });
}

template <class T>
void run(const ElboLatentBackward<T>& a) {
  with_prior(a.prior, [&a](auto density) {
    constexpr int threads = 128;
    launch("elbo_latent", elbo_latent_backward<decltype(density), T, threads>, per_block(a.dim, threads), a);
  });
}

template void run(const ElboLatent<float>&);
template void run(const ElboLatent<double>&);
template void run(const ElboLatentBackward<float>&);
template void run(const ElboLatentBackward<double>&);

}  // namespace elbow::kernels::cuda
