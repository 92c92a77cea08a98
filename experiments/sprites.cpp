#include "experiments/sprites.h"

#include <fmt/format.h>
#include <png.h>

#include <algorithm>
#include <span>

#include "engine/safetensors.h"
#include "experiments/machine.h"
#include "experiments/own_images.h"
#include "experiments/run_folder.h"
#include "experiments/settings.h"
#include "experiments/sprite_cache.h"
#include "experiments/stop.h"
#include "experiments/sweep.h"
#include "experiments/vae_experiment.h"

namespace elbow {
namespace {

constexpr double precision = 1;

/// gamma^2 and added variance before they are `precision` and 0. gamma^2 starts high, as from 4 on a latent may be lost before the
/// decoder has learned to use it. On the way to 1, and again when each factor has a latent, the latents are made noisier than
/// they would be: what two of them share then costs more, and hue comes out of the positions, where at gamma^2 = 1 alone it
/// stays mixed into them.
const std::vector<AnnealingKnot> annealing = {
    {0, 20},  {0.025, 4}, {0.0375, 3.2},    {0.045, 2.8, 0.04}, {0.075, 1.6, 0.05},
    {0.1, 1}, {0.2, 1},   {0.225, 1, 0.06}, {0.45, 1, 0.06},    {0.5, 1}};

Options defaults(const Options& asked) {
  Options options;
  options.seeds = first_seeds(asked.quick ? 1 : 3);
  options.gamma2 = {precision};
  options.batch = 32;
  options.epochs = asked.quick ? 4 : 80;
  options.learning_rate = 1e-3;
  options.dim = 4;
  options.prior = kernels::Prior::beta;
  return options;
}

ImageVaeTrainingConfig config_of(const Options& options, const Run& run) {
  ImageVaeTrainingConfig config;
  config.seed = run.seed;
  config.batch = options.batch;
  config.epochs = options.epochs;
  config.rate = options.learning_rate;
  config.schedule = Schedule::cosine;
  config.held = 0.7;
  config.validation_every = std::max(1, options.epochs / 20);
  config.precision = precision;
  config.annealing = annealing;
  config.threads = options.threads;
  return config;
}

struct SpriteRun {
  std::unique_ptr<ImageVaeTraining> training;
  SpriteTruth truth;
};

SpriteSettings sprites_of(const Options& options) {
  return {options.data_seed, sample_count, options.size, options.shape, options.angle, options.distortion};
}

ImageSet images_of(const Options& options) {
  if (!options.data.empty()) return read_images(options.data);
  return cached_sprites(sprites_of(options),
                        options.cache.empty() ? default_cache_folder() : std::filesystem::path(options.cache),
                        options.threads);
}

ImageVae vae_of(const ImageSet& set, const Options& options) {
  ImageVaeConfig config;
  config.height = set.height;
  config.width = set.width;
  config.channels = set.channels;
  config.latent_dim = set.factor_names.empty() ? options.dim : static_cast<Index>(set.factor_names.size());
  config.prior = options.prior;
  config.learned_prior = options.prior == kernels::Prior::beta && options.beta_prior.empty();
  if (!options.beta_prior.empty()) config.beta_parameters = {options.beta_prior[0], options.beta_prior[1]};
  return ImageVae(config);
}

/// What measure_latents says of the present parameters, as columns of history.csv.
ImageProbe probe_of(const SpriteTruth& truth) {
  ImageProbe probe;
  probe.names = {"c_ima", "c_ima_mean_jacobian"};
  if (!truth.names.empty()) probe.names.insert(probe.names.end(), {"mcc", "mcc_minibatch"});
  probe.measure = [truth, names = probe.names](const ImageVaeTraining& training) {
    const Values found = measure_latents(training, training.parameters(), truth);
    std::vector<double> values;
    for (const std::string& name : names) {
      values.push_back(value_of(found, name));
    }
    return values;
  };
  return probe;
}

SpriteRun sprite_run(const Options& options, const Run& run) {
  const ImageSet set = images_of(options);
  const std::span<const std::uint8_t> pixels(set.images.get(),
                                             static_cast<std::size_t>(set.samples * set.bytes()));
  const Split data = split(Tensor::from(pixels, {set.samples, set.bytes()}, device_of(options)));
  const auto factors = static_cast<Index>(set.factor_names.size());
  const auto first = set.factors.begin() + data.train.shape()[0] * factors;
  const SpriteTruth truth{
      data.validation, {first, first + data.validation.shape()[0] * factors}, set.factor_names};
  return {std::make_unique<ImageVaeTraining>(vae_of(set, options), config_of(options, run), data,
                                             probe_of(truth)),
          truth};
}

PreparedRun prepare(const Options& options, const Run& run) {
  SpriteRun made = sprite_run(options, run);
  return prepared(std::move(made.training), [truth = made.truth](const ImageVaeTraining& training) {
    return measure_sprites(training, training.best_parameters(), truth);
  });
}

std::string png_of(const Sheet& sheet) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(sheet.width);
  image.height = static_cast<png_uint_32>(sheet.height);
  image.format = PNG_FORMAT_RGB;
  png_alloc_size_t size = 0;
  std::string bytes;
  if (png_image_write_to_memory(&image, nullptr, &size, 0, sheet.pixels.data(), 0, nullptr) != 0) {
    bytes.resize(size);
    if (png_image_write_to_memory(&image, bytes.data(), &size, 0, sheet.pixels.data(), 0, nullptr) != 0)
      return bytes;
  }
  throw DataError(fmt::format("the picture of the traversals cannot be encoded: {}", image.message));
}

/// The figure, and the pictures of the first run that is done.
void draw(const Options& options, const RunFolder& folder, const std::vector<RunRecord>& records) {
  const auto done = std::find_if(records.begin(), records.end(), [](const RunRecord& r) { return r.done(); });
  if (done == records.end()) return;
  const SpriteRun first = sprite_run(options, done->run);
  Parameters parameters(first.training->layout(), DType::float32, device_of(options));
  const Safetensors file =
      load_safetensors(folder.file(fmt::format("checkpoints/{}.safetensors", name(done->run))));
  for (int i = 0; i < first.training->layout().size(); ++i) {
    parameters.assign(i, find(file.tensors, first.training->layout().name(i)));
  }
  const std::vector<double> latents = mean_latents(*first.training, parameters, first.truth.images);
  write(sprites_figure(records, done->run.seed, first.truth, latents), folder.file("figures/x").parent_path(),
        "sprites");
  folder.write("figures/traversals.png",
               png_of(traversals(*first.training, parameters, first.truth, latents)));
  folder.write("figures/jacobian.png",
               png_of(jacobian_columns(*first.training, parameters, first.truth, latents)));
}

void validate(const Options& options) {
  const Options drawn;
  const auto expect_drawn = [&](const char* name, bool as_it_was) {
    if (options.data.empty() || as_it_was) return;
    throw UsageError(fmt::format("[--{}] is of sprites that are drawn here; leave it out with --data", name));
  };
  expect_drawn("data-seed", options.data_seed == drawn.data_seed);
  expect_drawn("shape", options.shape == drawn.shape);
  expect_drawn("angle", options.angle == drawn.angle);
  expect_drawn("distortion", options.distortion == drawn.distortion);
  expect_drawn("size", options.size == drawn.size);
  if (!options.beta_prior.empty() && options.prior != kernels::Prior::beta) {
    throw UsageError("[--beta-prior] is of the Beta prior; leave it out, or choose --prior beta");
  }
  if (!options.data.empty()) return;
  verify(sprites_of(options));
  expect_batch_fits(options);
}

std::string plan(const Options& options) {
  const std::string text =
      fmt::format("sprites: {} runs, one after the other, each on all threads, {} epochs\n",
                  options.seeds.size(), options.epochs);
  if (!options.data.empty()) return text + fmt::format("images of {}\n", options.data);
  ImageSet drawn;
  drawn.height = drawn.width = options.size;
  drawn.channels = 3;
  drawn.factor_names = factor_names(sprites_of(options));
  const ImageVae vae = vae_of(drawn, options);
  const Index steps = training_sample_count / options.batch;
  return text +
         fmt::format(
             "model: {} parameters, four convolutions and an MLP to {} latents, and back; {} steps an epoch\n"
             "about {:.0f} MB of memory: {} images of {} x {} in bytes\n",
             vae.layout().count(), vae.config().latent_dim, steps,
             static_cast<double>(sample_count * vae.config().observation_dim()) / 1e6 + 200, sample_count,
             options.size, options.size);
}

Outcome run(const Options& options, const RunFolder& folder) {
  const Experiment experiment = sprites();
  Options one_at_a_time = options;  // a training takes all threads
  one_at_a_time.threads = 1;
  const std::vector<RunRecord> records = run_sweep(
      experiment.name, all_runs(options.seeds, options.gamma2), one_at_a_time, folder,
      sweep_configuration(options, experiment), [&](const Run& run) { return prepare(options, run); });
  Outcome outcome;
  outcome.failed_runs = failed_runs(records);
  if (stop_requested()) return outcome;
  draw(options, folder, records);
  const Options written = defaults_of(experiment, options);
  std::string why = departure(options, written, experiment.accepted);
  if (why.empty() && options.quick) why = "--quick trains for 4 epochs, too few for any target";
  outcome.claims = sprites_claims(records, why);
  return outcome;
}

}  // namespace

Experiment sprites() {
  std::set<std::string> accepted = common_options();
  accepted.insert({"epochs", "lr", "batch", "dim", "prior", "beta-prior", "data", "data-seed", "shape",
                   "angle", "distortion", "size", "cache"});
  return {"sprites",
          "Does a convolutional VAE find position, size and hue of a sprite, while c_IMA falls?",
          "Fig. 5",
          accepted,
          defaults,
          validate,
          plan,
          run,
          {Protocol::text}};
}

}  // namespace elbow
