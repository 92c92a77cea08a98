#include "experiments/sprites.h"

#include <fmt/format.h>
#include <png.h>

#include <cstring>

#include "engine/safetensors.h"
#include "experiments/machine.h"
#include "experiments/run_folder.h"
#include "experiments/settings.h"
#include "experiments/stop.h"
#include "experiments/sweep.h"
#include "experiments/vae_experiment.h"

namespace elbow {
namespace {

constexpr double precision = 1;
constexpr double first_precision = 20;

Options defaults(const Options& asked) {
  Options options;
  options.seeds = first_seeds(asked.quick ? 1 : 3);
  options.gamma2 = {precision};
  options.batch = 64;
  options.epochs = asked.quick ? 4 : 60;
  options.learning_rate = 1e-3;
  return options;
}

ImageVaeTrainingConfig config_of(const Options& options, const Run& run) {
  ImageVaeTrainingConfig config;
  config.seed = run.seed;
  config.batch = options.batch;
  config.epochs = options.epochs;
  config.rate = options.learning_rate;
  config.schedule = Schedule::cosine;
  config.validation_every = std::max(1, options.epochs / 30);
  config.precision = precision;
  config.first_precision = first_precision;
  config.threads = options.threads;
  return config;
}

struct SpriteRun {
  std::unique_ptr<ImageVaeTraining> training;
  SpriteTruth truth;
};

SpriteRun sprite_run(const Options& options, const Run& run) {
  Workers workers(options.threads);
  const SpriteSet set = sprite_set(run.seed, sample_count, {}, workers);
  const Split data = split(set.images.to(device_of(options)));
  const auto factors = static_cast<Index>(set.names.size());
  const auto first = set.factors.begin() + data.train.shape()[0] * factors;
  const SpriteTruth truth{data.validation, {first, first + data.validation.shape()[0] * factors}, set.names};
  ImageProbe probe;
  for (const char* name : {"mcc", "mcc_minibatch", "c_ima", "c_ima_mean_jacobian"})
    probe.names.emplace_back(name);
  probe.measure = [truth](const ImageVaeTraining& training) {
    const Values found = measure_latents(training, training.parameters(), truth);
    std::vector<double> values;
    for (const char* name : {"mcc", "mcc_minibatch", "c_ima", "c_ima_mean_jacobian"}) {
      const auto column =
          std::find_if(found.begin(), found.end(), [name](const auto& value) { return value.first == name; });
      values.push_back(column->second);
    }
    return values;
  };
  return {
      std::make_unique<ImageVaeTraining>(ImageVae(ImageVaeConfig()), config_of(options, run), data, probe),
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
  write(sprites_figure(records, first.truth, latents), folder.file("figures/x").parent_path(), "sprites");
  folder.write("figures/traversals.png",
               png_of(sprites_sheet(*first.training, parameters, first.truth, latents)));
}

std::string plan(const Options& options) {
  const ImageVae vae{ImageVaeConfig()};
  const Index steps = options.epochs * (training_sample_count / options.batch);
  return fmt::format(
      "sprites: {} runs, one after the other, each on all threads, {} steps each ({} epochs of {})\n"
      "model: {} parameters, four convolutions and an MLP to {} latents, and back\n"
      "about {:.0f} MB of memory: {} images of 64 x 64 in bytes, drawn anew for each run\n",
      options.seeds.size(), steps, options.epochs, training_sample_count / options.batch,
      vae.layout().count(), vae.config().latent_dim,
      static_cast<double>(sample_count * vae.config().observation_dim()) / 1e6 + 200, sample_count);
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
  accepted.insert({"epochs", "lr", "batch"});
  return {"sprites",
          "Does a convolutional VAE find position, size and hue of a sprite, while c_IMA falls?",
          "Fig. 5",
          accepted,
          defaults,
          expect_batch_fits,
          plan,
          run,
          {Protocol::text}};
}

}  // namespace elbow
