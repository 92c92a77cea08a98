#include "kernels/elbo_latent.h"

#include <algorithm>

#include "kernels/elbo_latent_formulas.h"

namespace elbow::kernels::cpu {

template <class T>
void run(const ElboLatent<T>& a) {
  with_prior(a.prior, [&a](auto density) {
    for (Index i = 0; i < a.batch; ++i) {
      const T* mu = a.encoder + 2 * i * a.dim;
      double kl = 0;
      for (Index k = 0; k < a.dim; ++k) {
        const auto term =
            latent_term<decltype(density)>(a.kl_form, mu[k], mu[a.dim + k], a.noise[i * a.dim + k],
                                           a.parameters[k], a.parameters[a.dim + k]);
        a.latent[i * a.dim + k] = term.latent;
        kl += term.kl;
      }
      a.kl[i] = static_cast<T>(kl);
    }
  });
}

template <class T>
void run(const ElboLatentBackward<T>& a) {
  with_prior(a.prior, [&a](auto density) {
    for (Index k = 0; k < a.dim; ++k) {
      double gradient_a = 0;
      double gradient_b = 0;
      for (Index i = 0; i < a.batch; ++i) {
        const Index mu = 2 * i * a.dim + k;
        const Index log_sigma = mu + a.dim;
        const auto gradient = latent_term_gradient<decltype(density)>(
            a.kl_form, a.encoder[mu], a.encoder[log_sigma], a.noise[i * a.dim + k], a.parameters[k],
            a.parameters[a.dim + k], a.latent_gradient[i * a.dim + k], a.kl_gradient[i]);
        a.encoder_gradient[mu] = gradient.mu;
        a.encoder_gradient[log_sigma] = gradient.log_sigma;
        gradient_a += double(gradient.a);
        gradient_b += double(gradient.b);
      }
      a.parameter_gradient[k] = static_cast<T>(gradient_a);
      a.parameter_gradient[a.dim + k] = static_cast<T>(gradient_b);
    }
  });
}

template void run(const ElboLatent<float>&);
template void run(const ElboLatent<double>&);
template void run(const ElboLatentBackward<float>&);
template void run(const ElboLatentBackward<double>&);

}  // namespace elbow::kernels::cpu
