#include "experiments/ima_likelihood.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "experiments/machine.h"
#include "experiments/measurements.h"
#include "experiments/moebius.h"
#include "experiments/moebius_map.h"
#include "experiments/run_folder.h"
#include "experiments/settings.h"
#include "experiments/statistics.h"
#include "experiments/stop.h"
#include "experiments/sweep.h"
#include "experiments/vae_experiment.h"
#include "models/likelihood_training.h"

namespace elbow {
namespace {

constexpr double vae_precision = 1e5;
constexpr Index likelihood_batch = 128;
constexpr double likelihood_rate = 3e-3;

Index likelihood_epochs(const Options& options) { return options.quick ? 6 : 37; }  // 37: 12,136 steps

/// Of the VAE, whose recipe is that of Fig. 3 left.
Options defaults(const Options& asked) {
  Options options = figure3_defaults(asked);
  options.seeds = first_seeds(asked.quick ? 2 : 10);
  options.gamma2 = {vae_precision};
  if (asked.quick) options.epochs = 20;
  return options;
}

std::vector<Run> runs_of(const Options& options) {
  std::vector<Run> runs;
  const double none = std::numeric_limits<double>::quiet_NaN();
  for (const Method& method : {likelihood, regularised, folding}) {
    for (const std::uint64_t seed : options.seeds) runs.push_back({seed, none, method.name});
  }
  for (const std::uint64_t seed : options.seeds) runs.push_back({seed, vae_precision, vae_method.name});
  return runs;
}

Values measure_likelihood(const LikelihoodTraining& training, const Truth& truth) {
  const MappedSamples mapped = training.mapped(training.best_parameters(), truth.observations);
  std::vector<double> excess, squares;
  for (std::size_t i = 0; i < mapped.log_likelihood.size(); ++i) {
    excess.push_back(mapped.log_likelihood[i] - truth.log_density[i]);
    squares.push_back(excess.back() * excess.back());
  }
  const auto count = static_cast<double>(excess.size());
  const auto reflected = static_cast<double>(std::count(mapped.sign.begin(), mapped.sign.end(), -1.0));
  const double mean_excess = or_nan(mean(excess));
  return {{"mcc", mcc(truth, mapped.latent, Correlation::pearson)},
          {"mcc_spearman", mcc(truth, mapped.latent, Correlation::spearman)},
          {"c_ima", or_nan(mean(mapped.c_ima))},
          {"log_likelihood", or_nan(mean(mapped.log_likelihood))},
          {"exact_log_likelihood", or_nan(mean(truth.log_density))},
          {"excess", mean_excess},
          {"excess_error", std::sqrt((or_nan(mean(squares)) - mean_excess * mean_excess) / count)},
          {"reflected", std::min(reflected, count - reflected) / count}};
}

/// The ELBO stands for the log-likelihood, which it bounds from below.
Values measure_vae(const VaeTraining& training, const Truth& truth) {
  const Values found = measure(training, truth);
  Values values;
  for (const auto& [name, value] : found) {
    if (name == "mcc" || name == "mcc_spearman" || name == "c_ima") values.emplace_back(name, value);
    if (name == "neg_elbo") values.emplace_back("log_likelihood", -value);
    if (name == "gap") values.emplace_back("excess", -value);
  }
  values.emplace_back("exact_log_likelihood", or_nan(mean(truth.log_density)));
  return values;
}

LikelihoodTrainingConfig likelihood_config(const Options& options, const Run& run) {
  LikelihoodTrainingConfig config;
  config.seed = run.seed;
  config.batch = likelihood_batch;
  config.epochs = likelihood_epochs(options);
  config.rate = likelihood_rate;
  config.schedule = Schedule::cosine;
  config.scale_data = true;
  config.lambda = run.method == regularised.name ? 1 : 0;
  return config;
}

PreparedRun prepare(const Options& options, const Run& run) {
  const KnownData data = known_data(
      moebius_data(random_moebius(run.seed, options.dim), run.seed, sample_count), device_of(options));
  if (run.method == vae_method.name) {
    return prepared(
        std::make_unique<VaeTraining>(Vae(vae_config(options)), training_config(options, run),
                                      data.observations),
        [truth = data.truth](const VaeTraining& training) { return measure_vae(training, truth); });
  }
  const LatentMap map =
      run.method == folding.name ? unconstrained_mlp(options.dim) : residual_flow(options.dim);
  return prepared(
      std::make_unique<LikelihoodTraining>(map, likelihood_config(options, run), data.observations),
      [truth = data.truth](const LikelihoodTraining& training) {
        return measure_likelihood(training, truth);
      });
}

std::string plan(const Options& options) {
  const Index steps = likelihood_epochs(options) * (training_sample_count / likelihood_batch);
  return fmt::format(
      "ima_likelihood: {} mixings; on each a residual flow of {} parameters by maximum likelihood alone and "
      "less c_IMA,\n"
      "an unconstrained MLP of {} ({} steps each), and a VAE of {} (at most {} steps)\n",
      options.seeds.size(), residual_flow(options.dim).layout.count(),
      unconstrained_mlp(options.dim).layout.count(), steps, Vae(vae_config(options)).layout().count(),
      options.epochs * (training_sample_count / options.batch));
}

Outcome run(const Options& options, const RunFolder& folder) {
  const Experiment experiment = ima_likelihood();
  const std::vector<RunRecord> records =
      run_sweep(experiment.name, runs_of(options), options, folder, sweep_configuration(options, experiment),
                [&](const Run& run) { return prepare(options, run); });
  Outcome outcome;
  outcome.failed_runs = failed_runs(records);
  if (stop_requested()) return outcome;
  write(ima_likelihood_figure(records), folder.file("figures/x").parent_path(), experiment.name);
  const Options written = defaults_of(experiment, options);
  outcome.claims =
      ima_likelihood_claims(records, options.quick, departure(options, written, experiment.accepted));
  return outcome;
}

}  // namespace

Experiment ima_likelihood() {
  return {"ima_likelihood",
          "Does likelihood find the sources, alone, less c_IMA, or as a VAE's ELBO?",
          "beyond the paper",
          common_options(),
          defaults,
          {},
          plan,
          run,
          {Protocol::text}};
}

}  // namespace elbow
