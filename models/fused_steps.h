#pragma once
// The training steps of a VAE by one kernel, kernels/vae_steps.h: the bits of the tape's steps, without the tape.
#include "engine/adam.h"
#include "kernels/vae_steps.h"
#include "models/vae.h"

namespace elbow {

class FusedSteps {
 public:
  /// Why the kernel cannot train this VAE there, as the end of a sentence; empty if it can.
  static std::string obstacle(const Vae&, DType, Device);

  /// `precision` gamma^2 and the weight `beta` of the KL; no obstacle.
  FusedSteps(const Vae&, const Parameters&, double precision, double beta);

  struct Next {
    const Tensor& data;  ///< (samples, observation_dim)
    Index batch;
    std::uint64_t seed;
    Index epoch;
    Index first_batch;                 ///< of the epoch
    const std::vector<double>& rates;  ///< of Adam, one for each step to make
  };
  /// Makes the steps and returns how many: fewer if the loss of the next one might not be finite.
  Index make(const Next&, Parameters&, Adam&);

 private:
  kernels::VaeSteps<float> steps_ = {};
  Tensor prior_parameters_;
  Tensor given_decoder_;
  Tensor workspace_;
  std::vector<kernels::AdamConstants<float>> constants_;
};

}  // namespace elbow
