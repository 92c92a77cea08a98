// ctest labels: cuda threads
// The convolutional VAE: ten steps against PyTorch, training on any number of threads, stopped and continued.
#include "models/image_vae_training.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "tests/on_device.h"
#include "tests/scratch_folder.h"
#include "tests/thrown.h"

namespace elbow::test {
namespace {

using nlohmann::json;

std::vector<double> numbers(const json& array) { return array.get<std::vector<double>>(); }

double largest(const std::vector<double>& values) {
  double most = 0;
  for (const double value : values) most = std::max(most, std::abs(value));
  return most;
}

void expect_close(const std::vector<double>& found, const std::vector<double>& expected, double limit) {
  ASSERT_EQ(found.size(), expected.size());
  double off = 0;
  for (std::size_t i = 0; i < found.size(); ++i) off = std::max(off, std::abs(found[i] - expected[i]));
  EXPECT_LE(off, limit);
}

ImageVaeConfig golden_config(const json& golden) {
  ImageVaeConfig config;
  config.height = config.width = golden["side"];
  config.channels = golden["channels"];
  config.latent_dim = golden["latent"];
  config.features = golden["features"];
  config.hidden = golden["hidden"];
  return config;
}

/// A gradient is made of some thousand roundings of 1.1e-16, a loss of fewer. Adam divides a gradient by its own size, so an
/// element's step of 1e-2 is off by at most that share of it; the tenth is off by ten of them.
TEST(ImageVae, TenStepsAreThoseOfPyTorch) {
  const json golden = json::parse(get(ELBOW_SOURCE_DIR "/tests/golden/image_training.json"));
  const ImageVae vae(golden_config(golden));
  Parameters parameters(vae.layout(), DType::float64);
  ASSERT_EQ(golden["parameters"].size(), static_cast<std::size_t>(vae.layout().size()));
  for (int i = 0; i < vae.layout().size(); ++i) {
    const std::vector<double> start = numbers(golden["parameters"].at(vae.layout().name(i)));
    parameters.assign(i, Tensor::from(start, vae.layout().shape(i)));
  }
  Adam adam(parameters);
  const Index dim = vae.config().observation_dim(), latent = vae.config().latent_dim;
  for (const json& step : golden["steps"]) {
    const auto pixels = step["pixels"].get<std::vector<std::uint8_t>>();
    const Index batch = static_cast<Index>(pixels.size()) / dim;
    const Elbo elbo = vae.elbo(parameters, Tensor::from(pixels, {batch, dim}),
                               Tensor::from(numbers(step["noise"]), {batch, latent}), golden["precision"]);
    const Variable loss = mean(elbo.reconstruction + elbo.kl);
    const double constant = 0.5 * static_cast<double>(dim) *
                            (std::log(2 * math::pi) - std::log(golden["precision"].get<double>()));
    EXPECT_NEAR(loss.value().item() - constant, step["loss"].get<double>(), 1e-12 * loss.value().item());
    const Gradients found = gradients(loss, parameters.variables());
    if (&step == &golden["steps"][0]) {
      for (int i = 0; i < vae.layout().size(); ++i) {
        SCOPED_TRACE(vae.layout().name(i));
        const std::vector<double> expected = numbers(golden["gradients"].at(vae.layout().name(i)));
        expect_close(found[i].value().to_vector<double>(), expected, 1e-12 * largest(expected));
      }
    }
    adam.step(parameters, found, golden["rate"]);
  }
  for (int i = 0; i < vae.layout().size(); ++i) {
    SCOPED_TRACE(vae.layout().name(i));
    expect_close(parameters[i].value().to_vector<double>(),
                 numbers(golden["trained"].at(vae.layout().name(i))), 1e-9);
  }
}

TEST(ImageVae, RefusesWhatDoesNotFit) {
  const auto refusal = [](const std::function<void(ImageVaeConfig&)>& change) {
    ImageVaeConfig config;
    change(config);
    return thrown<UsageError>([&] { ImageVae vae(config); });
  };
  EXPECT_EQ(refusal([](auto& c) { c.width = 40; }),
            "images: expected height and width to be multiples of 16, got 64 x 40");
  EXPECT_EQ(refusal([](auto& c) { c.channels = 0; }), "channels: expected at least 1, got 0");
  EXPECT_EQ(refusal([](auto& c) { c.prior = kernels::Prior::laplace; }),
            "learned prior: expected the Beta prior, whose parameters can be learned");
  EXPECT_EQ(refusal([](auto& c) { c.beta_parameters[1] = 0; }),
            "Beta prior: expected parameters above 0, got 0");
}

TEST(ImageVae, HasABetaPriorThatIsNotLearned) {
  ImageVaeConfig config;
  config.latent_dim = 2;
  config.learned_prior = false;
  config.beta_parameters = {3, 0.5};
  const ImageVae vae(config);
  const Parameters parameters = vae.initial_parameters(1, DType::float32);
  EXPECT_EQ(vae.prior_parameters(parameters).value().to_vector<double>(),
            (std::vector<double>{3, 3, 0.5, 0.5}));
  config.learned_prior = true;
  EXPECT_EQ(ImageVae(config).layout().count(), vae.layout().count() + 4);
}

/// z = sigmoid(mu + sqrt(sigma^2 + v) eps).
TEST(ImageVae, AddsVarianceToThePosterior) {
  constexpr Index batch = 3, latents = 2;
  ImageVaeConfig config;
  config.height = config.width = 16;
  config.latent_dim = latents;
  const ImageVae vae(config);
  const Parameters parameters(vae.layout(), vae.initial_parameters(1, DType::float64).flat());
  std::vector<std::uint8_t> bytes;
  for (Index i = 0; i < batch * config.observation_dim(); ++i)
    bytes.push_back(static_cast<std::uint8_t>(i * i));
  const Tensor pixels = Tensor::from(bytes, {batch, config.observation_dim()});
  const Tensor noise = normal({1, Stream::test}, batch, latents, DType::float64);
  const std::vector<double> eps = noise.to_vector<double>();
  const std::vector<double> encoded =
      vae.encode(parameters, Variable(pixel_values(pixels, DType::float64))).value().to_vector<double>();
  for (const double added : {0.0, 0.7}) {
    std::vector<double> expected;
    for (Index i = 0; i < batch * latents; ++i) {
      const Index at = i / latents * 2 * latents + i % latents;
      const double y = encoded[at] + std::sqrt(std::exp(encoded[at + latents]) + added) * eps[i];
      expected.push_back(1 / (1 + std::exp(-y)));
    }
    const Elbo elbo = vae.elbo(parameters, pixels, noise, 1, added);
    expect_close(elbo.latent.value().to_vector<double>(), expected, 1e-14);
  }
}

ImageVaeConfig small_vae() {
  ImageVaeConfig config;
  config.height = 32;
  config.width = 16;
  config.channels = 1;
  config.latent_dim = 2;
  config.features = 5;
  config.hidden = 7;
  return config;
}

/// Gradients of brightness whose direction and strength vary.
Split small_images() {
  constexpr Index samples = 120;
  std::vector<std::uint8_t> pixels;
  for (Index i = 0; i < samples; ++i) {
    for (Index y = 0; y < 32; ++y) {
      for (Index x = 0; x < 16; ++x)
        pixels.push_back(static_cast<std::uint8_t>((i * 37 % 100) * x / 16 + (i * 53 % 90) * y / 32));
    }
  }
  return split(Tensor::from(pixels, {samples, 32 * 16}));
}

ImageVaeTrainingConfig small_training(int threads) {
  ImageVaeTrainingConfig config;
  config.batch = 20;  // two whole shares and a half
  config.epochs = 3;
  config.validation_every = 1;
  config.precision = 100;
  config.annealing = {{0, 1000}, {1.0 / 12, 1000 * std::pow(0.1, 1.0 / 3), 0.04}, {0.25, 100}};
  config.threads = threads;
  return config;
}

std::vector<double> trained(ImageVaeTraining& training) {
  while (!training.finished()) training.run_epoch();
  std::vector<double> all = training.parameters().flat().to_vector<double>();
  for (const Validation& v : training.history()) {
    for (const auto& value : v.values) all.push_back(value.second);
  }
  return all;
}

TEST(ImageVaeTraining, DoesNotDependOnTheNumberOfThreads) {
  const Split data = small_images();
  ImageVaeTraining one(ImageVae(small_vae()), small_training(1), data);
  ImageVaeTraining three(ImageVae(small_vae()), small_training(3), data);
  EXPECT_EQ(trained(one), trained(three));
}

TEST(ImageVaeTraining, GoesOnInMidEpochAsIfItHadNotBeenStopped) {
  const Split data = small_images();
  ImageVaeTraining whole(ImageVae(small_vae()), small_training(2), data);
  ImageVaeTraining stopped(ImageVae(small_vae()), small_training(2), data);
  int steps = 0;
  stopped.run_epoch();
  stopped.run_epoch([&] { return ++steps > 2; });
  ImageVaeTraining continued(ImageVae(small_vae()), small_training(1), data);
  continued.restore(stopped.state());
  EXPECT_EQ(trained(continued), trained(whole));
}

class ImageVaeOnDevice : public OnDevice {};
ELBOW_ON_DEVICES(ImageVaeOnDevice, Device::executor, Device::cuda);

TEST_P(ImageVaeOnDevice, TrainsToTheBitsOfTheCpu) {
  ImageVaeTrainingConfig config = small_training(1);
  config.epochs = 1;
  const auto steps_on = [&](Device device) {
    const Split data = small_images();
    ImageVaeTraining training(ImageVae(small_vae()), config,
                              {data.train.to(device), data.validation.to(device), data.test.to(device)});
    return trained(training);
  };
  EXPECT_EQ(steps_on(GetParam()), steps_on(Device::cpu));
}

/// The shares together are the batch: the first step's loss is that of one tape over all, but for the order of the sums.
TEST(ImageVaeTraining, SharesAddUpToTheBatch) {
  const Split data = small_images();
  const ImageVae vae(small_vae());
  ImageVaeTraining training(vae, small_training(2), data);
  const Index steps = training.steps_in_all();  // 12
  EXPECT_EQ(training.annealed_at(0).precision, 1000);
  EXPECT_NEAR(training.annealed_at(steps / 6).precision, 1000 * std::pow(0.1, 2.0 / 3), 1e-9);
  EXPECT_EQ(training.annealed_at(steps / 4).precision, 100);
  EXPECT_EQ(training.annealed_at(steps).precision, 100);
  EXPECT_EQ(training.annealed_at(0).added_variance, 0);
  EXPECT_NEAR(training.annealed_at(steps / 6).added_variance, 0.02, 1e-15);
  EXPECT_EQ(training.annealed_at(steps / 4).added_variance, 0);
  const Tensor images = shuffled_batch(data.train, 1, 0, 0, 20);
  const Elbo elbo = vae.elbo(training.parameters(), images,
                             normal({1, Stream::training_noise}, 20, 2, DType::float32), 1000);
  const double whole = mean(elbo.reconstruction + elbo.kl).value().item();
  EXPECT_NEAR(training.step(), whole, 1e-6 * std::abs(whole));
}

TEST(ImageVaeTraining, HoldsTheRateBeforeItFalls) {
  ImageVaeTrainingConfig config = small_training(1);
  const auto after = [&](Index steps) {
    ImageVaeTraining training(ImageVae(small_vae()), config, small_images());
    for (Index i = 0; i < steps; ++i) training.step();
    return training.parameters().flat().to_vector<float>();
  };
  const std::vector<float> early = after(2), late = after(4);  // of 12
  config.schedule = Schedule::cosine;
  config.held = 0.2;
  EXPECT_EQ(after(2), early);
  EXPECT_NE(after(4), late);
}

TEST(ImageVaeTraining, MeasuresTheDecodersJacobian) {
  const ImageVae vae(small_vae());
  ImageVaeTraining training(vae, small_training(2), small_images());
  const std::vector<double> latents{0.3, 0.6, 0.5, 0.2, 0.9, 0.4, 0.1, 0.7, 0.45, 0.55};
  const Index dim = vae.config().observation_dim();
  const Parameters in_double(vae.layout(), training.parameters().flat().to(DType::float64));
  const ImageVaeTraining::Grams found = training.grams(training.parameters(), latents);
  std::vector<double> total(static_cast<std::size_t>(dim * 2), 0);
  for (std::size_t i = 0; i < latents.size() / 2; ++i) {
    std::vector<std::vector<double>> columns;
    for (int k = 0; k < 2; ++k) {
      constexpr double h = 1e-6;
      std::vector<double> z(latents.begin() + 2 * i, latents.begin() + 2 * i + 2);
      const auto decoded = [&](double by) {
        std::vector<double> moved = z;
        moved[k] += by;
        return vae.decode(in_double, Variable(Tensor::from(moved, {1, 2}))).value().to_vector<double>();
      };
      const std::vector<double> low = decoded(-h), high = decoded(h);
      std::vector<double>& column = columns.emplace_back();
      for (Index c = 0; c < dim; ++c) {
        column.push_back((high[c] - low[c]) / (2 * h));
        total[c * 2 + k] += column.back();
      }
    }
    for (int k = 0; k < 2; ++k) {
      for (int l = 0; l < 2; ++l) {
        double product = 0;
        for (Index c = 0; c < dim; ++c) product += columns[k][c] * columns[l][c];
        EXPECT_NEAR(found.gram[(i * 2 + k) * 2 + l], product, 1e-5 * found.gram[i * 4 + 3 * k]);
      }
    }
  }
  expect_close(found.total_jacobian, total, 1e-5 * largest(total));
}

TEST(ImageVaeTraining, NamesACollapse) {
  ImageVaeTrainingConfig config = small_training(1);
  config.precision = 1e-9;
  config.annealing = {};
  config.epochs = 40;
  config.rate = 1e-2;
  ImageVaeTraining training(ImageVae(small_vae()), config, small_images());
  const std::string error = thrown<NumericalError>([&] { trained(training); });
  EXPECT_NE(error.find("the decoder uses no latent"), std::string::npos) << error;
  EXPECT_NE(error.find("seed 1"), std::string::npos) << error;
}

TEST(ImageVaeTraining, RefusesOtherData) {
  Split data = small_images();
  data.train = data.train.to(DType::float32);
  EXPECT_EQ(thrown<UsageError>([&] { ImageVaeTraining(ImageVae(small_vae()), small_training(1), data); }),
            "images: expected uint8 pixels (samples, 512), got float32 (84, 512)");
  ImageVaeTrainingConfig config = small_training(1);
  const auto refusal = [&] {
    return thrown<UsageError>([&] { ImageVaeTraining(ImageVae(small_vae()), config, small_images()); });
  };
  config.held = 1;
  EXPECT_EQ(refusal(),
            "learning rate: expected it to be held for a share of the steps, from 0 to below 1, got 1");
  config.held = 0;
  config.annealing = {{0, 0}, {0.5, 1}};
  EXPECT_EQ(refusal(), "gamma^2: expected a finite number above 0, got 0");
  config.annealing = {{0, 1, -0.1}};
  EXPECT_EQ(refusal(), "added variance: expected a finite number from 0 on, got -0.1");
  for (const double share : {0.0, 1.5}) {
    config.annealing = {{0, 10}, {share, 1}};
    EXPECT_EQ(refusal(),
              fmt::format("annealing: expected shares of the steps that ascend from 0 to at most 1, got {}",
                          share));
  }
}

}  // namespace
}  // namespace elbow::test
