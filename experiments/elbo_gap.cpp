#include "experiments/elbo_gap.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/ops.h"
#include "experiments/known_decoders.h"
#include "experiments/machine.h"
#include "experiments/settings.h"
#include "experiments/stop.h"
#include "experiments/sweep.h"
#include "experiments/text.h"
#include "experiments/vae_experiment.h"

namespace elbow {
namespace {

constexpr int decoder_count = 5;

/// Observations that ELBO* is solved for.
Index points_of(const Options& options) { return options.quick ? 300 : 2000; }

std::vector<double> half_decades(double first, double last) {
  std::vector<double> values;
  for (int half = static_cast<int>(2 * first); half <= static_cast<int>(2 * last); ++half) {
    values.push_back(half % 2 == 0 ? std::stod(fmt::format("1e{}", half / 2)) : std::pow(10, 0.5 * half));
  }
  return values;
}

Options defaults(const Options& asked) {
  Options options = vae_defaults(asked);
  options.seeds = first_seeds(asked.quick ? 2 : 5 * decoder_count);
  if (!asked.quick) options.gamma2 = half_decades(1, 5);
  options.layers = 3;
  options.hidden = 60;
  if (asked.recipe == Recipe::best) {
    options.activation = Activation::gelu;
    options.learning_rate = 5e-3;
  }
  if (asked.quick) options.epochs = 40;
  return options;
}

/// Which of the decoders a run's encoder is trained with: seeds 1 to 5 have decoders 1 to 5, 6 again has 1.
std::uint64_t decoder_of(std::uint64_t seed) { return (seed + decoder_count - 1) % decoder_count + 1; }

KnownDecoder decoder_numbered(std::uint64_t number, Index dim) {
  return {std::to_string(number), number, triangular_weights(number, dim)};
}

/// The decoders of the runs, and the control.
std::vector<KnownDecoder> decoders_of(const Options& options) {
  std::set<std::uint64_t> numbers;
  for (std::uint64_t seed : options.seeds) numbers.insert(decoder_of(seed));
  std::vector<KnownDecoder> decoders;
  for (std::uint64_t number : numbers) decoders.push_back(decoder_numbered(number, options.dim));
  decoders.push_back({control_name, 1, separable_weights(1, options.dim)});
  return decoders;
}

/// The runs' gamma^2, and those of the theorem's slope, which need no training.
std::vector<double> curve_gamma2(const Options& options) {
  const std::vector<double> asymptotic = half_decades(5, 7);
  std::set<double> all(options.gamma2.begin(), options.gamma2.end());
  all.insert(asymptotic.begin(), asymptotic.end());
  return {all.begin(), all.end()};
}

VaeConfig model(const Options& options, const KnownDecoder& decoder) {
  VaeConfig config = vae_config(options);
  config.decoder = decoder.network(DType::float32, device_of(options));
  return config;
}

/// The data are as the decoder makes them, not scaled: it is given.
VaeTrainingConfig training(const Options& options, const Run& run) {
  VaeTrainingConfig config = training_config(options, run);
  config.scale_data = false;
  return config;
}

/// What the best encoder makes of the decoder's points, with the expectation of ELBO*: a row of runs.csv.
Values measure(const VaeTraining& training, const KnownDecoder& decoder, Index count) {
  const NoGradient off;
  const KnownPoints points = decoder.points(count);
  const Parameters& parameters = training.best_parameters();
  const Tensor x = Tensor::from(points.observations, {count, points.dim})
                       .to(parameters.flat().dtype())
                       .to(parameters.flat().device());
  const Variable encoded = training.vae().encode(parameters, Variable(x));
  const Posterior posterior{slice(encoded, 1, 0, points.dim).value().to_vector<double>(),
                            (0.5 * slice(encoded, 1, points.dim, points.dim)).value().to_vector<double>()};
  const double difference = or_nan(mean(ima_minus_elbo(decoder.network(DType::float64), points, posterior,
                                                       training.precision(), gaussian_rule(points.dim))));
  const double c_ima = or_nan(mean(points.c_ima));
  return {{"decoder", static_cast<double>(decoder.seed)},
          {"neg_elbo", difference + c_ima - or_nan(mean(points.log_density))},
          {"gap", difference + c_ima},
          {"ima_minus_elbo", difference},
          {"c_ima", c_ima}};
}

PreparedRun prepare(const Options& options, const Run& run) {
  const KnownDecoder decoder = decoder_numbered(decoder_of(run.seed), options.dim);
  const NoGradient off;
  const Variable sources(normal({run.seed, Stream::sources}, sample_count, options.dim, DType::float64));
  const Tensor observations = decoder.network(DType::float64)(sources).value();
  return prepared(
      std::make_unique<VaeTraining>(Vae(model(options, decoder)), training(options, run),
                                    split(observations.to(DType::float32).to(device_of(options)))),
      [decoder, count = points_of(options)](const VaeTraining& training) {
        return measure(training, decoder, count);
      });
}

std::string plan(const Options& options) {
  const std::size_t decoders = decoders_of(options).size();
  const Index steps = options.epochs * (training_sample_count / options.batch);
  const Vae vae(model(options, decoder_numbered(1, options.dim)));
  return fmt::format(
      "elbo_gap: ELBO* of {} observations at {} values of gamma^2 for each of {} decoders\n"
      "and {} runs ({} seeds x {} values of gamma^2), at most {} steps each ({} epochs of {})\n"
      "model: {} parameters, encoder of {} linear layers, width {}, {}; the decoder is given\n",
      points_of(options), curve_gamma2(options).size(), decoders,
      options.seeds.size() * options.gamma2.size(), options.seeds.size(), options.gamma2.size(), steps,
      options.epochs, training_sample_count / options.batch, vae.layout().count(), options.layers,
      options.hidden, name(options.activation));
}

Outcome run(const Options& options, const RunFolder& folder) {
  const Experiment experiment = elbo_gap();
  const std::vector<OptimalCurve> curves = optimal_curves(
      "ELBO*", decoders_of(options), curve_gamma2(options), points_of(options), options.threads);
  Outcome outcome;
  if (stop_requested()) return outcome;
  folder.write("optimal.csv", curves_csv(curves));
  const std::vector<RunRecord> records = run_sweep(experiment.name, all_runs(options.seeds, options.gamma2),
                                                   options, folder, sweep_configuration(options, experiment),
                                                   [&](const Run& run) { return prepare(options, run); });
  outcome.failed_runs = failed_runs(records);
  if (stop_requested()) return outcome;
  write(elbo_gap_figure(curves, records), folder.file("figures/x").parent_path(), experiment.name);
  const Options written = defaults_of(experiment, options);
  const std::string differs = departure(options, written, experiment.accepted);
  const bool best = options.recipe == Recipe::best;
  outcome.claims = elbo_gap_claims(curves, records, options.quick, departure(options, written, {"dim"}),
                                   differs.empty() && !best ? "the targets are for --recipe best" : differs);
  return outcome;
}

std::set<std::string> accepted() {
  std::set<std::string> names = common_options();
  names.insert({"gamma2", "epochs", "lr", "batch", "layers", "hidden", "dim", "activation", "kl"});
  return names;
}

}  // namespace

Experiment elbo_gap() {
  return {
      "elbo_gap",
      "Does the optimal ELBO of a fixed decoder approach the IMA-regularised likelihood as gamma^2 grows?",
      "Fig. 4",
      accepted(),
      defaults,
      expect_batch_fits,
      plan,
      run,
      {Protocol::text}};
}

}  // namespace elbow
