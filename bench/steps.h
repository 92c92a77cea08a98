#pragma once
// Training steps of a VAE, to be timed.
#include "bench/cpu_clock.h"
#include "models/vae_training.h"

namespace elbow::bench {

struct Workload {
  Index dim;
  Index layers;
  Index hidden;
  Activation activation;
  Index batch;
};

/// Useful floating-point operations of a step: three products per weight and sample, but no gradient for the input.
inline double step_flop(const Vae& vae, Index batch) {
  double weights = 0;
  for (int i = 0; i < vae.layout().size(); ++i) {
    const Shape& shape = vae.layout().shape(i);
    if (shape.rank() == 2) weights += static_cast<double>(shape.count());
  }
  const auto first = static_cast<double>(vae.config().observation_dim * vae.config().hidden);
  return 2 * static_cast<double>(batch) * (3 * weights - first);
}

/// A training that never validates, on standard normal data: what a step costs does not depend on the values.
class Steps {
 public:
  static constexpr Index samples = 60000;  // 42,000 to train

  Steps(const Workload& w, Trainer trainer) : training_(vae(w), config(w, trainer), data(w)) {}

  /// Makes an epoch; returns how many steps that is.
  double epoch() {
    const Index before = training_.steps();
    training_.run_epoch();
    return static_cast<double>(training_.steps() - before);
  }

  /// Makes an epoch; returns seconds per step.
  double seconds() {
    const double start = thread_seconds();
    const double steps = epoch();
    return (thread_seconds() - start) / steps;
  }

  double flop() const { return step_flop(training_.vae(), training_.config().batch); }

  static Vae vae(const Workload& w) {
    VaeConfig config;
    config.observation_dim = config.latent_dim = w.dim;
    config.layers = w.layers;
    config.hidden = w.hidden;
    config.activation = w.activation;
    return Vae(config);
  }

 private:
  static VaeTrainingConfig config(const Workload& w, Trainer trainer) {
    VaeTrainingConfig config;
    config.batch = w.batch;
    config.trainer = trainer;
    config.epochs = config.validation_every = 1000000;
    return config;
  }
  static Split data(const Workload& w) {
    return split(normal({1, Stream::sources}, samples, w.dim, DType::float32));
  }

  VaeTraining training_;
};

}  // namespace elbow::bench
