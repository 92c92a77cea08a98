#pragma once
// The training steps of a VAE by one kernel, kernels/vae_steps.h: the bits of the tape's steps, without the tape.
#include "kernels/vae_steps.h"
#include "models/training.h"
#include "models/vae.h"

namespace elbow {

class FusedSteps {
 public:
  /// Why the kernel cannot train this VAE there, as the end of a sentence; empty if it can.
  static std::string obstacle(const Vae&, Index batch, DType, Device);

  static constexpr Index most = 128;  ///< steps of a call: a sweep asks between calls whether to stop

  /// `precision` gamma^2 and the weight `beta` of the KL; no obstacle.
  FusedSteps(const Vae&, const Parameters&, const TrainingConfig&, double precision, double beta);

  /// Makes the steps, at most `most`, and returns how many: fewer if the loss of the next one might not be finite.
  Index make(const NextSteps&);

 private:
  kernels::VaeSteps<float> steps_ = {};
  Tensor prior_parameters_;
  Tensor given_decoder_;
  Tensor workspace_;
  std::vector<kernels::AdamConstants<float>> constants_;
  Tensor device_constants_;  // the same, (most, numbers of a step)
  Tensor done_;
};

}  // namespace elbow
