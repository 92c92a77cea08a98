#pragma once
// The training of a map g by exact maximum likelihood less c_IMA of its inverse f: the objective that Gresele et al.
// (2021, section 4.3) regularise by hand and that, as the paper shows, the self-consistent ELBO contains (eq. 7):
//   loss = mean over samples of -log abs det J_g(x) + lambda c_IMA(J_f),   J_f = J_g(x)^-1,   log p0 = 0
#include "models/latent_map.h"
#include "models/training.h"

namespace elbow {

struct LikelihoodTrainingConfig : TrainingConfig {
  double lambda = 0;  ///< weight of c_IMA, finite, >= 0
};

/// What a map makes of a set, sample by sample, in the units of the data.
struct MappedSamples {
  std::vector<double> latent;          ///< g(x), (samples, dim), row-major
  std::vector<double> log_likelihood;  ///< log abs det J_g(x), nats: a density only where g is injective
  std::vector<double> sign;            ///< of det J_g(x)
  std::vector<double> c_ima;           ///< of J_f, nats
};

class LikelihoodTraining : public Training {
 public:
  /// As Training; UsageError also for a lambda out of range.
  LikelihoodTraining(const LatentMap& map, const LikelihoodTrainingConfig& config, const Split& data);

  /// All rows of `observations`, which are in the units of the data.
  MappedSamples mapped(const Parameters&, const Tensor& observations) const;

 private:
  Variable loss(const Tensor& observations) const override;
  std::vector<double> validation(const Tensor& observations) const override;
  std::vector<std::string> validation_names() const override {
    return {"loss", "neg_log_likelihood", "c_ima"};
  }
  std::string identity() const override;

  LatentMap map_;
  double lambda_;
};

}  // namespace elbow
