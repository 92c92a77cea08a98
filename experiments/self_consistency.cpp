#include "experiments/self_consistency.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "experiments/machine.h"
#include "experiments/measurements.h"
#include "experiments/mixing.h"
#include "experiments/settings.h"
#include "experiments/stop.h"
#include "experiments/sweep.h"
#include "experiments/text.h"

namespace elbow {
namespace {

constexpr Index samples = 60000;
constexpr Index training_samples = samples * 7 / 10;
constexpr Index patience = 5;

Options defaults(Protocol protocol, Recipe recipe, bool quick) {
  Options options;
  options.seeds = first_seeds(quick ? 3 : 20);
  options.gamma2 = quick ? std::vector<double>{1e2, 1e3, 1e4} : std::vector<double>{1e1, 1e2, 1e3, 1e4, 1e5};
  options.dim = 3;
  options.layers = protocol == Protocol::authors ? 2 : 4;
  options.hidden = protocol == Protocol::authors ? 30 : 60;
  options.batch = 64;
  if (recipe == Recipe::best) {
    options.activation = Activation::smooth_leaky_relu;
    options.learning_rate = 2e-3;
    options.epochs = quick ? 80 : 200;
  } else {
    options.activation = Activation::leaky_relu;
    options.learning_rate = 1e-3;
    options.epochs = quick ? 60 : 400;
  }
  return options;
}

void validate(const Options& options) {
  if (options.batch > training_samples) {
    throw UsageError(
        fmt::format("[--batch] expected at most {} (the training samples), got {}; choose a smaller batch",
                    training_samples, options.batch));
  }
}

VaeConfig vae_config(const Options& options) {
  VaeConfig config;
  config.observation_dim = options.dim;
  config.latent_dim = options.dim;
  config.layers = options.layers;
  config.hidden = options.hidden;
  config.activation = options.activation;
  config.kl_form = options.kl_form;
  config.learned_prior = options.protocol == Protocol::authors;
  return config;
}

TrainingConfig training_config(const Options& options, const Run& run) {
  TrainingConfig config;
  config.seed = run.seed;
  config.precision = run.gamma2;
  config.batch = options.batch;
  config.epochs = options.epochs;
  config.rate = options.learning_rate;
  config.beta = options.beta;
  if (options.recipe == Recipe::best) {
    config.schedule = Schedule::cosine;
    config.scale_data = true;
  } else {
    config.patience = patience;
  }
  return config;
}

PreparedRun prepare(const Options& options, const Run& run) {
  const Mixing mixing = options.protocol == Protocol::authors ? Mixing::rotation : Mixing::orthogonal_layers;
  const MixedData data = mixed_data(mixing, run.seed, samples, options.dim);
  const Split observations = split(data.observations.to(DType::float32).to(device_of(options)));
  const Split sources = split(data.sources);
  const auto first = data.log_density.begin() + training_samples;
  const Truth truth{
      sources.validation, observations.validation, {first, first + sources.validation.shape()[0]}};
  return {vae_config(options), training_config(options, run), observations,
          [truth](const Vae& vae, const Training& training) { return measure(vae, training, truth); }};
}

/// Everything but seed and gamma^2 that decides a run's result.
std::string configuration(const Options& options, const Experiment& experiment) {
  std::string text = fmt::format("experiment = {}\n", experiment.name);
  for (const auto& [key, value] : stored_values(options, experiment.accepted)) {
    if (key != "seed_list" && key != "seeds" && key != "gamma2" && key != "threads") {
      text += fmt::format("{} = {}\n", key, value);
    }
  }
  return text;
}

std::string plan(const Options& options) {
  const std::size_t runs = options.seeds.size() * options.gamma2.size();
  const Index steps = options.epochs * (training_samples / options.batch);
  const Vae vae(vae_config(options));
  // Data set, float64 and float32, and five copies of the parameters per worker.
  const double megabytes =
      options.threads * (samples * options.dim * 32.0 + vae.layout().count() * 20.0) / 1e6 + 60;
  return fmt::format(
      "self_consistency: {} runs ({} seeds x {} values of gamma^2), at most {} steps each ({} epochs of {})\n"
      "model: {} parameters, encoder and decoder of {} linear layers, width {}, {}\n"
      "about {:.0f} MB of memory on {} threads\n",
      runs, options.seeds.size(), options.gamma2.size(), steps, options.epochs,
      training_samples / options.batch, vae.layout().count(), options.layers, options.hidden,
      name(options.activation), megabytes, options.threads);
}

Outcome run(const Options& options, const RunFolder& folder) {
  const Experiment experiment = self_consistency();
  const std::vector<RunRecord> records =
      run_sweep(experiment.name, all_runs(options.seeds, options.gamma2), options, folder,
                configuration(options, experiment), [&](const Run& run) { return prepare(options, run); });
  Outcome outcome;
  outcome.failed_runs = static_cast<int>(
      std::count_if(records.begin(), records.end(), [](const RunRecord& record) { return !record.done(); }));
  if (stop_requested()) return outcome;
  if (!precisions(records).empty()) {
    write(self_consistency_figure(records, options.protocol), folder.file("figures/x").parent_path(),
          experiment.name);
  }
  const Options written = defaults_of(experiment, options.protocol, options.recipe, options.quick);
  outcome.claims =
      self_consistency_claims(records, options, departure(options, written, experiment.accepted));
  return outcome;
}

std::set<std::string> accepted() {
  std::set<std::string> names = common_options();
  names.insert({"gamma2", "epochs", "lr", "batch", "layers", "hidden", "dim", "activation", "kl", "beta"});
  return names;
}

}  // namespace

std::vector<const RunRecord*> runs_at(const std::vector<RunRecord>& records, double gamma2) {
  std::vector<const RunRecord*> runs;
  for (const RunRecord& record : records) {
    if (record.done() && record.run.gamma2 == gamma2) runs.push_back(&record);
  }
  return runs;
}

std::vector<double> pooled(const std::vector<const RunRecord*>& runs, const std::string& column) {
  const bool every_latent = column.ends_with("_k");
  const std::string stem = column.substr(0, column.size() - (every_latent ? 1 : 0));
  std::vector<double> values;
  for (const RunRecord* run : runs) {
    for (const auto& [name, value] : run->values) {
      const bool numbered = every_latent && name.starts_with(stem) && name.size() > stem.size() &&
                            name.find_first_not_of("0123456789", stem.size()) == std::string::npos;
      if (numbered || name == column) values.push_back(value);
    }
  }
  return values;
}

std::vector<double> precisions(const std::vector<RunRecord>& records) {
  std::set<double> found;
  for (const RunRecord& record : records) {
    if (record.done()) found.insert(record.run.gamma2);
  }
  return {found.begin(), found.end()};
}

Experiment self_consistency() {
  return {"self_consistency",
          "Does the encoder invert a nearly deterministic decoder, with variances as eq. 12 says?",
          "Fig. 2",
          accepted(),
          defaults,
          validate,
          plan,
          run};
}

}  // namespace elbow
