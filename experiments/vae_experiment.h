#pragma once
// What the experiments share that train one VAE per seed and gamma^2 on observations whose truth is known.
#include "experiments/experiment.h"
#include "experiments/figure.h"
#include "experiments/mixing.h"
#include "experiments/run_record.h"
#include "models/vae_training.h"

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

// The parts that they are made of.

/// Observations of a data set, and those of them that are trained on.
inline constexpr Index sample_count = 60000;
inline constexpr Index training_sample_count = sample_count * 7 / 10;

/// Throws UsageError for a batch of more than the training samples.
void expect_batch_fits(const Options& options);

/// How the options train one run.
VaeTrainingConfig training_config(const Options& options, const Run& run);

/// Everything but seed and gamma^2 that decides a run's result.
std::string sweep_configuration(const Options& options, const Experiment& experiment);

/// Runs that ended in a NaN or an overflow.
int failed_runs(const std::vector<RunRecord>& records);

/// Seeds, gamma^2, dim, batch, epochs, and the paper's activation and learning rate.
Options vae_defaults(const Options& asked);

/// The model that the options describe.
VaeConfig vae_config(const Options& options);

}  // namespace elbow
