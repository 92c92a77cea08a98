// ctest labels: cuda
// Ten whole training steps against PyTorch in float64 (tests/golden/training.json): losses and every
// gradient.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "engine/adam.h"
#include "models/vae.h"
#include "tests/compare.h"
#include "tests/evaluate.h"
#include "tests/golden.h"
#include "tests/on_device.h"

namespace elbow::test {
namespace {

using nlohmann::json;

std::vector<double> numbers(const json& array) { return array.get<std::vector<double>>(); }

Vae model_of(const json& training) {
  VaeConfig config;
  config.observation_dim = config.latent_dim = training["dim"];
  config.layers = training["layers"];
  config.hidden = training["hidden"];
  config.activation = activation_named(training["activation"].get<std::string>());
  config.learned_prior = training["learned_prior"];
  return Vae(config);
}

Parameters parameters_of(const json& training, const Vae& vae, Device device) {
  Parameters parameters(vae.layout(), DType::float64, device);
  EXPECT_EQ(training["parameters"].size(), static_cast<std::size_t>(vae.layout().size()));
  for (int i = 0; i < vae.layout().size(); ++i) {
    const json& start = training["parameters"].at(vae.layout().name(i));
    parameters.assign(i, Tensor::from(numbers(start["values"]), vae.layout().shape(i)));
  }
  return parameters;
}

/// -ELBO, the mean over the step's batch, in the parameters' type and on their device.
Variable loss_of(const Vae& vae, const Parameters& parameters, const json& training, const json& step) {
  const DType dtype = parameters.flat().dtype();
  const Device device = parameters.flat().device();
  const Shape shape{training["batch"].get<Index>(), training["dim"].get<Index>()};
  const Tensor observation = Tensor::from(numbers(step["observation"]), shape).to(dtype).to(device);
  const Tensor noise = Tensor::from(numbers(step["noise"]), shape).to(dtype).to(device);
  const Elbo elbo = vae.elbo(parameters, Variable(observation), noise, training["precision"]);
  return mean(elbo.reconstruction + elbo.kl);
}

/// From a stored loss or gradient: how far ours may be off.
using Limit = std::function<double(const json& expected, double size)>;

/// Compares a step's loss and gradients; returns the gradients.
Gradients expect_step(const Vae& vae, const Parameters& parameters, const json& training, const json& step,
                      const Limit& loss_limit, const Limit& gradient_limit) {
  const Variable loss = loss_of(vae, parameters, training, step);
  const double expected = step["loss"]["value"];
  EXPECT_NEAR(loss.value().item(), expected, loss_limit(step["loss"], std::abs(expected)));
  const Gradients found = gradients(loss, parameters.variables());
  for (int i = 0; i < vae.layout().size(); ++i) {
    const std::string& name = vae.layout().name(i);
    const json& gradient = step["gradients"].at(name);
    const std::vector<double> values = numbers(gradient["values"]);
    EXPECT_GT(norm(values), 0) << name;
    EXPECT_TRUE(agree("gradient by " + name, found[i].value(), values, vae.layout().shape(i),
                      gradient_limit(gradient, norm(values))));
  }
  return found;
}

const json& trainings() {
  static const json file = json::parse(source_text("tests/golden/training.json"));
  return file;
}

/// `use` for every training, with a trace that names it.
void for_each_training(const std::function<void(const json& training)>& use) {
  for (const json& training : trainings()) {
    SCOPED_TRACE(fmt::format("{}, {} prior, precision {}", training["activation"].get<std::string>(),
                             training["learned_prior"].get<bool>() ? "learned" : "fixed",
                             training["precision"].get<double>()));
    use(training);
  }
}

class TrainingGolden : public OnDevice {};
ELBOW_ON_DEVICES(TrainingGolden, Device::cpu, Device::cuda, Device::executor);

TEST_P(TrainingGolden, TenStepsInFloat64) {
  for_each_training([device = GetParam()](const json& training) {
    const Vae vae = model_of(training);
    Parameters parameters = parameters_of(training, vae, device);
    Adam adam(parameters);
    for (const json& step : training["steps"]) {
      SCOPED_TRACE(fmt::format("step {}", adam.steps() + 1));
      // Ten steps carry rounding along: Adam divides by the gradient's own size, so relative errors of a
      // small gradient reach the parameters whole.
      const Gradients found = expect_step(
          vae, parameters, training, step, [](const json&, double size) { return 1e-12 * size; },
          [](const json&, double size) { return 1e-11 * size; });
      adam.step(parameters, found, training["rate"]);
    }
    EXPECT_EQ(adam.steps(), 10);
  });
}

TEST_P(TrainingGolden, EachStepInFloat32) {
  for_each_training([device = GetParam()](const json& training) {
    const Vae vae = model_of(training);
    Parameters parameters = parameters_of(training, vae, device);
    Parameters rounded(vae.layout(), DType::float32, device);
    Adam adam(parameters);
    // A layer's product rounds like its weights, each as often as it has inputs, 4 dim at most, and a few
    // times for bias and activation; forward and back, each time by half of epsilon.
    const double roundings = 4 * training["dim"].get<double>() + 8;
    const Limit limit = [roundings](const json& expected, double) {
      return roundings * epsilon(DType::float32) * expected["norm"].get<double>();
    };
    for (const json& step : training["steps"]) {
      SCOPED_TRACE(fmt::format("step {}", adam.steps() + 1));
      rounded.flat().assign(parameters.flat().to(DType::float32));
      expect_step(vae, rounded, training, step, limit, limit);
      const Variable loss = loss_of(vae, parameters, training, step);
      adam.step(parameters, gradients(loss, parameters.variables()), training["rate"]);
    }
  });
}

}  // namespace
}  // namespace elbow::test
