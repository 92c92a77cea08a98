#include "kernels/elbo_latent.h"

#include "kernels/elbo_latent_formulas.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/elbo_latent.cpp"
#include "kernels/simd.h"

HWY_BEFORE_NAMESPACE();
namespace elbow::kernels::cpu::HWY_NAMESPACE {

template <class T>
void forward(const ElboLatent<T>& a) {
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
void backward(const ElboLatentBackward<T>& a) {
  with_prior(a.prior, [&a](auto density) {
    for (Index k = 0; k < a.dim; ++k) {
      double totals_a[sum_lanes] = {};
      double totals_b[sum_lanes] = {};
      for (Index i = 0; i < a.batch; ++i) {
        const Index mu = 2 * i * a.dim + k;
        const Index log_variance = mu + a.dim;
        const auto gradient = latent_term_gradient<decltype(density)>(
            a.kl_form, a.encoder[mu], a.encoder[log_variance], a.noise[i * a.dim + k], a.parameters[k],
            a.parameters[a.dim + k], a.latent_gradient[i * a.dim + k], a.kl_gradient[i]);
        a.encoder_gradient[mu] = gradient.mu;
        a.encoder_gradient[log_variance] = gradient.log_variance;
        totals_a[i % sum_lanes] += double(gradient.a);
        totals_b[i % sum_lanes] += double(gradient.b);
      }
      a.parameter_gradient[k] = static_cast<T>(sum_by_halving(totals_a));
      a.parameter_gradient[a.dim + k] = static_cast<T>(sum_by_halving(totals_b));
    }
  });
}

ELBOW_TARGET_ENTRY(forward_float, ElboLatent<float>, forward)
ELBOW_TARGET_ENTRY(forward_double, ElboLatent<double>, forward)
ELBOW_TARGET_ENTRY(backward_float, ElboLatentBackward<float>, backward)
ELBOW_TARGET_ENTRY(backward_double, ElboLatentBackward<double>, backward)

}  // namespace elbow::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace elbow::kernels::cpu {

ELBOW_DISPATCH(forward_float, ElboLatent<float>)
ELBOW_DISPATCH(forward_double, ElboLatent<double>)
ELBOW_DISPATCH(backward_float, ElboLatentBackward<float>)
ELBOW_DISPATCH(backward_double, ElboLatentBackward<double>)

}  // namespace elbow::kernels::cpu
#endif
