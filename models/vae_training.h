#pragma once
// The training of a VAE: -ELBO (eq. 1) made small, with the decoder's precision fixed.
#include "models/fused_steps.h"
#include "models/training.h"
#include "models/vae.h"

namespace elbow {

/// Steps on the tape, or several at a time by one kernel, where FusedSteps has no obstacle. The bits are the same.
enum class Trainer { autograd, fused };

struct VaeTrainingConfig : TrainingConfig {
  double precision = 1e4;  ///< gamma^2, in the units of the data
  double beta = 1;         ///< weight of the KL
  Trainer trainer = Trainer::fused;
};

/// Means over samples, in nats and in the units of the data.
struct MeanElbo {
  double neg_elbo = 0;
  double reconstruction = 0;
  double kl = 0;
};

/// Of all elements, in double.
double total(const Variable& x);

class VaeTraining : public Training {
 public:
  /// As Training; UsageError also for a precision that is not a finite number above 0.
  VaeTraining(const Vae& vae, const VaeTrainingConfig& config, const Split& data);

  const Vae& vae() const { return vae_; }
  bool is_fused() const override { return fused_.has_value(); }
  std::string remark() const override;
  double precision() const { return given_precision_; }  ///< gamma^2, in the units of the data
  /// -ELBO over all rows of `observations` (in the units of the data), noise from `stream`, step `draw`.
  MeanElbo evaluate(const Parameters&, const Tensor& observations, Stream stream, std::uint32_t draw) const;

 private:
  FusedSteps* fused_steps() override { return fused_ ? &*fused_ : nullptr; }
  /// Of sums over `samples`, in the units of what is trained.
  MeanElbo mean_elbo(const ElboSums& sums, Index samples) const;
  Variable loss(const Tensor& observations) const override;
  std::vector<double> validation(const Tensor& observations) const override;
  std::vector<std::string> validation_names() const override { return {"neg_elbo", "reconstruction", "kl"}; }
  std::string identity() const override;

  Vae vae_;
  double given_precision_;
  double precision_;  // of the scaled data
  double beta_;
  std::string obstacle_;             // to the trainer that was asked for
  std::optional<FusedSteps> fused_;  // none: step by step
};

}  // namespace elbow
