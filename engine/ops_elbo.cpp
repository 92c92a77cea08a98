#include <cmath>

#include "engine/dispatch.h"
#include "engine/twin.h"

namespace elbow {
namespace {

using kernels::KlForm;
using kernels::Prior;

bool is_squashed(Prior prior) { return prior == Prior::uniform || prior == Prior::beta; }

void expect_latent_arguments(const Variable& encoder, const Variable& parameters, const Tensor& noise,
                             Prior prior, KlForm form) {
  expect_alike("elbo_latent", encoder.value(), parameters.value());
  expect_alike("elbo_latent", encoder.value(), noise);
  if (noise.shape().rank() != 2) expect_shape("elbo_latent", "noise", noise, {encoder.shape()[0], 0});
  expect_shape("elbo_latent", "encoder", encoder.value(), {noise.shape()[0], 2 * noise.shape()[1]});
  expect_shape("elbo_latent", "prior_parameters", parameters.value(), {2, noise.shape()[1]});
  if (form == KlForm::closed && prior != Prior::gaussian) {
    throw UsageError(
        "[elbo_latent] the closed form of the KL exists for the Gaussian prior only; use the sampled one");
  }
}

/// log p_y(y), (batch, dim), of kernels/priors.h in operations; a and b are its parameter rows, (1, dim).
Variable log_prior(Prior prior, const Variable& y, const Variable& a, const Variable& b) {
  switch (prior) {
    case Prior::gaussian:
      return -0.5 * (math::log_two_pi + a + square(y) * exponential(-a));
    case Prior::uniform:
      return -softplus(-y) - softplus(y);
    case Prior::beta:
      return -(a * softplus(-y)) - b * softplus(y) - (log_gamma(a) + log_gamma(b) - log_gamma(a + b));
    case Prior::laplace:
      return -(absolute(y) * exponential(-a)) - a - math::log_two;
  }
  return {};
}

}  // namespace

LatentSample elbo_latent(const Variable& encoder, const Variable& prior_parameters, const Tensor& noise,
                         Prior prior, KlForm form) {
  expect_latent_arguments(encoder, prior_parameters, noise, prior, form);
  const Index batch = noise.shape()[0];
  const Index dim = noise.shape()[1];
  PoolVector<Tensor> values;
  values.emplace_back(noise.shape(), noise.dtype(), noise.device());
  values.emplace_back(Shape{batch}, noise.dtype(), noise.device());
  with_real_type("elbo_latent", noise.dtype(), [&]<class T>() {
    run(noise.device(), kernels::ElboLatent<T>{prior, form, batch, dim, encoder.value().data<T>(),
                                               prior_parameters.value().data<T>(), noise.data<T>(),
                                               values[0].data<T>(), values[1].data<T>()});
  });
  const auto rule = [prior, form](const Backward& b) -> Gradients {
    const Variable& encoder = b.input(0);
    const Variable& parameters = b.input(1);
    const Variable& noise = b.input(2);
    if (is_recording()) {
      const Variables inputs = {alias(encoder), alias(parameters)};
      const LatentSample twin = elbo_latent_unfused(inputs[0], inputs[1], noise.value(), prior, form);
      return through_twin(b, {twin.latent, twin.kl}, inputs);
    }
    const Tensor latent_gradient = b.gradient(0).value();
    const Tensor kl_gradient = b.gradient(1).value();
    const Tensor encoder_gradient(encoder.shape(), encoder.dtype(), encoder.device());
    const Tensor parameter_gradient(parameters.shape(), encoder.dtype(), encoder.device());
    with_real_type("elbo_latent", encoder.dtype(), [&]<class T>() {
      run(encoder.device(),
          kernels::ElboLatentBackward<T>{
              prior, form, noise.shape()[0], noise.shape()[1], encoder.value().data<T>(),
              parameters.value().data<T>(), noise.value().data<T>(), latent_gradient.data<T>(),
              kl_gradient.data<T>(), encoder_gradient.data<T>(), parameter_gradient.data<T>()});
    });
    return {Variable(encoder_gradient), Variable(parameter_gradient)};
  };
  const Variables outputs =
      operation("elbo_latent", std::move(values), {encoder, prior_parameters, Variable(noise)}, rule);
  return {outputs[0], outputs[1]};
}

LatentSample elbo_latent_unfused(const Variable& encoder, const Variable& prior_parameters,
                                 const Tensor& noise, Prior prior, KlForm form) {
  expect_latent_arguments(encoder, prior_parameters, noise, prior, form);
  const Index dim = noise.shape()[1];
  const Variable mu = slice(encoder, 1, 0, dim);
  const Variable log_variance = slice(encoder, 1, dim, dim);
  const Variable a = slice(prior_parameters, 0, 0, 1);
  const Variable b = slice(prior_parameters, 0, 1, 1);
  const Variable epsilon(noise);
  const Variable sigma = exponential(0.5 * log_variance);
  const Variable y = mu + sigma * epsilon;
  const Variable latent = is_squashed(prior) ? sigmoid(y) : y;
  if (form == KlForm::closed) {
    const Variable ratio = (square(sigma) + square(mu)) * exponential(-a);
    return {latent, sum(0.5 * (ratio + a - 1 - log_variance), 1)};
  }
  const Variable log_posterior = -0.5 * (log_variance + square(epsilon) + math::log_two_pi);
  return {latent, sum(log_posterior - log_prior(prior, y, a, b), 1)};
}

Variable elbo_reconstruction(const Variable& observation, const Variable& decoded, double precision) {
  expect_alike("elbo_reconstruction", observation.value(), decoded.value());
  if (observation.shape().rank() != 2)
    expect_shape("elbo_reconstruction", "observation", observation.value(), {0, 0});
  expect_shape("elbo_reconstruction", "decoded", decoded.value(), observation.shape());
  const Index batch = observation.shape()[0];
  const Index columns = observation.shape()[1];
  Tensor loss({batch}, decoded.dtype(), decoded.device());
  with_real_type("elbo_reconstruction", decoded.dtype(), [&]<class T>() {
    run(decoded.device(),
        kernels::ElboReconstruction<T>{batch, columns, precision, observation.value().data<T>(),
                                       decoded.value().data<T>(), loss.data<T>()});
  });
  return operation(
      "elbo_reconstruction", loss, {observation, decoded}, [precision](const Backward& b) -> Gradients {
        const Variable& observation = b.input(0);
        const Variable& decoded = b.input(1);
        if (is_recording()) {
          const Variables inputs = {alias(observation), alias(decoded)};
          return through_twin(b, {elbo_reconstruction_unfused(inputs[0], inputs[1], precision)}, inputs);
        }
        const Tensor loss_gradient = b.gradient().value();
        Tensor gradient(decoded.shape(), decoded.dtype(), decoded.device());
        with_real_type("elbo_reconstruction", decoded.dtype(), [&]<class T>() {
          run(decoded.device(),
              kernels::ElboReconstructionBackward<T>{decoded.shape()[0], decoded.shape()[1], precision,
                                                     observation.value().data<T>(), decoded.value().data<T>(),
                                                     loss_gradient.data<T>(), gradient.data<T>()});
        });
        const Variable result(gradient);
        return {b.wanted(0) ? -result : Variable(), result};
      });
}

Variable elbo_reconstruction_unfused(const Variable& observation, const Variable& decoded, double precision) {
  const double constant =
      0.5 * static_cast<double>(observation.shape()[1]) * (math::log_two_pi - std::log(precision));
  return 0.5 * precision * sum(square(observation - decoded), 1) + constant;
}

}  // namespace elbow
