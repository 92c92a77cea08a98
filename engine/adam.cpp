#include "engine/adam.h"

#include <cmath>

#include "engine/dispatch.h"

namespace elbow {

Adam::Adam(const Parameters& parameters, const AdamConfig& config)
    : config_(config),
      gradient_(parameters.flat().shape(), parameters.flat().dtype(), parameters.flat().device()),
      first_moment_(Tensor::zeros(gradient_.shape(), gradient_.dtype(), gradient_.device())),
      second_moment_(first_moment_.clone()) {}

void Adam::step(Parameters& parameters, const Gradients& gradients, double rate) {
  Index offset = 0;
  for (std::size_t i = 0; i < gradients.size(); ++i) {
    const Tensor& gradient = gradients[i].value();
    expect_shape("adam", "gradient", gradient, parameters.variables()[i].shape());
    gradient_.part(offset, gradient.shape()).assign(gradient);
    offset += gradient.count();
  }
  ++steps_;
  with_real_type("adam", gradient_.dtype(), [&]<class T>() {
    kernels::Adam<T> a = arguments<T>(steps_, rate);
    a.gradient = gradient_.data<T>();
    a.parameter = parameters.flat().data<T>();
    run(gradient_.device(), a);
  });
}

template <class T>
kernels::Adam<T> Adam::arguments(Index step, double rate) const {
  return {gradient_.count(),
          rate,
          config_.beta1,
          config_.beta2,
          config_.epsilon,
          1 - std::pow(config_.beta1, step),
          1 - std::pow(config_.beta2, step),
          nullptr,
          nullptr,
          first_moment_.data<T>(),
          second_moment_.data<T>()};
}
template kernels::Adam<float> Adam::arguments(Index, double) const;
template kernels::Adam<double> Adam::arguments(Index, double) const;

}  // namespace elbow
