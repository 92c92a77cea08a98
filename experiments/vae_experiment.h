#pragma once
// What the experiments share that train one VAE per seed and gamma^2 on observations whose truth is known.
#include "experiments/experiment.h"
#include "experiments/figure.h"
#include "experiments/mixing.h"
#include "experiments/run_record.h"

namespace elbow {

/// What one of them adds.
struct VaeExperiment {
  std::string name;
  std::string question;
  std::string figure;  ///< of the paper
  std::function<Options(const Options& asked)> defaults;
  /// Checks beyond those that all share; may be empty.
  std::function<void(const Options&)> validate;
  std::function<VaeConfig(const Options&)> vae;
  std::function<MixedData(const Options&, std::uint64_t seed, Index samples)> data;
  std::function<Figure(const std::vector<RunRecord>&, const Options&)> draw;
  /// `departure` says in what the options differ from what the targets were written for.
  std::function<std::vector<Claim>(const std::vector<RunRecord>&, const Options&,
                                   const std::string& departure)>
      claims;
};

Experiment experiment_of(const VaeExperiment& own);

/// Seeds, gamma^2, dim, batch, epochs, and the paper's activation and learning rate.
Options vae_defaults(const Options& asked);

/// The model that the options describe.
VaeConfig vae_config(const Options& options);

}  // namespace elbow
