#pragma once
// Adam over a whole set of parameters, one kernel a step; see kernels/adam.h.
#include "engine/parameters.h"
#include "kernels/adam.h"

namespace elbow {

struct AdamConfig {
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
};

class Adam {
 public:
  explicit Adam(const Parameters&, const AdamConfig& = {});

  /// `gradients` in the order of the parameters; `rate` > 0 for this step.
  void step(Parameters& parameters, const Gradients& gradients, double rate);

  /// Of step `step` >= 1.
  template <class T>
  kernels::AdamConstants<T> constants(Index step, double rate) const {
    return kernels::AdamConstants<T>(arguments<T>(step, rate));
  }

  // What a checkpoint keeps.
  Index steps() const { return steps_; }
  void set_steps(Index steps) { steps_ = steps; }
  Tensor& first_moment() { return first_moment_; }
  const Tensor& first_moment() const { return first_moment_; }
  Tensor& second_moment() { return second_moment_; }
  const Tensor& second_moment() const { return second_moment_; }

 private:
  /// All but gradient and parameters.
  template <class T>
  kernels::Adam<T> arguments(Index step, double rate) const;

  AdamConfig config_;
  Index steps_ = 0;
  Tensor gradient_;  // flat, like the parameters
  Tensor first_moment_;
  Tensor second_moment_;
};

}  // namespace elbow
