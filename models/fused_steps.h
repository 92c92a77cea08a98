#pragma once
// The training steps of a VAE by one kernel, kernels/vae_steps.h: the bits of the tape's steps, without the tape.
#include <optional>
#include <span>

#include "engine/adam.h"
#include "kernels/vae_steps.h"
#include "models/vae.h"

namespace elbow {

struct TrainingConfig;

/// The next mini-batches, and what a step changes.
struct NextSteps {
  const Tensor& data;  ///< (samples, observation_dim)
  Index epoch;         ///< of the first step
  Index first_batch;
  const std::vector<double>& rates;  ///< of Adam, one for each step to make
  Index validated_epoch;             ///< the epoch that they end and that is to be validated; 0: none
  Parameters& parameters;
  Adam& adam;
};

/// Over all samples, in the units of what is trained.
struct ElboSums {
  Index epoch;  ///< of the validation
  double reconstruction;
  double kl;
};

class FusedSteps {
 public:
  /// Why the kernel cannot train this VAE there, as the end of a sentence; empty if it can.
  static std::string obstacle(const Vae&, Index batch, DType, Device);

  /// Steps of a call: few on a CPU, where they take a core's time and a sweep asks between calls whether to stop; on a GPU as
  /// many as there are before a validation.
  static Index most(Device);

  /// `precision` gamma^2 and the weight `beta` of the KL; no obstacle. `validation` (samples, observation_dim) is what is
  /// validated.
  FusedSteps(const Vae&, const Parameters&, const TrainingConfig&, double precision, double beta,
             const Tensor& validation);

  /// What the next make() does: these steps, at most most() of them.
  void plan(const NextSteps&);
  /// Does what was planned, of all in one call of the kernel. They are on one device.
  static void make(std::span<FusedSteps* const>);

  /// Of those planned: fewer than all if the loss of the next one might not be finite.
  Index made() const { return made_; }
  /// Of the validation that followed them; empty if they were not to be validated or were not all made.
  const std::optional<ElboSums>& validated() const { return validated_; }

 private:
  void set_constants(const NextSteps&);

  kernels::VaeSteps<float> steps_ = {};
  Tensor prior_parameters_;
  Tensor given_decoder_;
  Tensor validation_data_;
  Tensor workspace_;
  std::vector<kernels::AdamConstants<float>> constants_;
  Tensor device_constants_;  // the same, (most, numbers of a step)
  Index made_ = 0;
  std::optional<ElboSums> validated_;
};

}  // namespace elbow
