#include "experiments/vae_experiment.h"

#include <fmt/format.h>

#include <algorithm>

#include "experiments/machine.h"
#include "experiments/measurements.h"
#include "experiments/run_folder.h"
#include "experiments/settings.h"
#include "experiments/stop.h"
#include "experiments/sweep.h"

namespace elbow {
namespace {

constexpr Index patience = 5;

PreparedRun prepare(const VaeExperiment& own, const Options& options, const Run& run) {
  const MixedData data = own.data(options, run.seed, sample_count);
  const KnownData known = known_data(data, device_of(options));
  const auto measure_all = [truth = known.truth, properties = data.properties](const VaeTraining& training) {
    Values values = measure(training, truth);
    values.insert(values.end(), properties.begin(), properties.end());
    return values;
  };
  return prepared(
      std::make_unique<VaeTraining>(Vae(own.vae(options)), training_config(options, run), known.observations),
      measure_all);
}

std::string plan(const VaeExperiment& own, const Options& options) {
  const std::size_t runs = options.seeds.size() * options.gamma2.size();
  const Index steps = options.epochs * (training_sample_count / options.batch);
  const Vae vae(own.vae(options));
  // Data set, float64 and float32, and five copies of the parameters.
  const double megabytes_of_run = (sample_count * options.dim * 32.0 + vae.layout().count() * 20.0) / 1e6;
  const auto workers = static_cast<std::size_t>(options.threads);
  const auto at_once = static_cast<double>(std::min(runs, workers * runs_at_once(options, runs)));
  const double megabytes = at_once * megabytes_of_run + 60;
  return fmt::format(
      "{}: {} runs ({} seeds x {} values of gamma^2), at most {} steps each ({} epochs of {})\n"
      "model: {} parameters, encoder and decoder of {} linear layers, width {}, {}\n"
      "about {:.0f} MB of memory on {} threads\n",
      own.name, runs, options.seeds.size(), options.gamma2.size(), steps, options.epochs,
      training_sample_count / options.batch, vae.layout().count(), options.layers, options.hidden,
      name(options.activation), megabytes, options.threads);
}

Outcome run(const VaeExperiment& own, const Options& options, const RunFolder& folder) {
  const Experiment experiment = experiment_of(own);
  const std::vector<RunRecord> records = run_sweep(
      own.name, all_runs(options.seeds, options.gamma2), options, folder,
      sweep_configuration(options, experiment), [&](const Run& run) { return prepare(own, options, run); });
  Outcome outcome;
  outcome.failed_runs = failed_runs(records);
  if (stop_requested()) return outcome;
  if (!precisions(records).empty()) {
    write(own.draw(records, options), folder.file("figures/x").parent_path(), own.name);
  }
  const Options written = defaults_of(experiment, options);
  outcome.claims = own.claims(records, options, departure(options, written, experiment.accepted));
  return outcome;
}

std::set<std::string> accepted() {
  std::set<std::string> names = common_options();
  names.insert({"gamma2", "epochs", "lr", "batch", "layers", "hidden", "dim", "activation", "kl", "beta"});
  return names;
}

}  // namespace

Experiment experiment_of(const VaeExperiment& own) {
  return {own.name,
          own.question,
          own.figure,
          accepted(),
          own.defaults,
          [own](const Options& options) {
            expect_batch_fits(options);
            if (own.validate) own.validate(options);
          },
          [own](const Options& options) { return plan(own, options); },
          [own](const Options& options, const RunFolder& folder) { return run(own, options, folder); }};
}

void expect_batch_fits(const Options& options) {
  if (options.batch > training_sample_count) {
    throw UsageError(
        fmt::format("[--batch] expected at most {} (the training samples), got {}; choose a smaller batch",
                    training_sample_count, options.batch));
  }
}

VaeTrainingConfig training_config(const Options& options, const Run& run) {
  VaeTrainingConfig config;
  config.seed = run.seed;
  config.precision = run.gamma2;
  config.batch = options.batch;
  config.epochs = options.epochs;
  config.rate = options.learning_rate;
  config.beta = options.beta;
  config.trainer = options.trainer;
  if (options.recipe == Recipe::best) {
    config.schedule = Schedule::cosine;
    config.scale_data = true;
  } else {
    config.patience = patience;
  }
  return config;
}

std::string sweep_configuration(const Options& options, const Experiment& experiment) {
  std::string text = fmt::format("experiment = {}\n", experiment.name);
  for (const auto& [key, value] : stored_values(options, experiment.accepted)) {
    if (key != "seed_list" && key != "seeds" && key != "gamma2" && key != "threads") {
      text += fmt::format("{} = {}\n", key, value);
    }
  }
  return text;
}

int failed_runs(const std::vector<RunRecord>& records) {
  return static_cast<int>(
      std::count_if(records.begin(), records.end(), [](const RunRecord& record) { return !record.done(); }));
}

Options vae_defaults(const Options& asked) {
  Options options;
  options.seeds = first_seeds(asked.quick ? 3 : 20);
  options.gamma2 =
      asked.quick ? std::vector<double>{1e2, 1e3, 1e4} : std::vector<double>{1e1, 1e2, 1e3, 1e4, 1e5};
  options.dim = 3;
  options.batch = 64;
  options.activation = Activation::leaky_relu;
  options.learning_rate = 1e-3;
  const bool best = asked.recipe == Recipe::best;
  options.epochs = asked.quick ? (best ? 80 : 60) : (best ? 200 : 400);
  return options;
}

VaeConfig vae_config(const Options& options) {
  VaeConfig config;
  config.observation_dim = options.dim;
  config.latent_dim = options.dim;
  config.layers = options.layers;
  config.hidden = options.hidden;
  config.activation = options.activation;
  config.prior = options.prior;
  config.kl_form = options.kl_form;
  return config;
}

}  // namespace elbow
