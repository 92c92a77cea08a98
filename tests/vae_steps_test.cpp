// Steps of a VAE by one kernel against the same steps on the tape: equal bits.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <array>

#include "models/vae_training.h"
#include "tests/evaluate.h"
#include "tests/thrown.h"

namespace elbow {
namespace {

constexpr Index samples = 300;  // 210 to train

VaeTrainingConfig short_training(Index batch) {
  VaeTrainingConfig config;
  config.seed = 3;
  config.batch = batch;
  config.epochs = 6;
  config.validation_every = 3;
  config.schedule = Schedule::cosine;
  config.rate = 1e-2;
  config.precision = 100;
  return config;
}

Tensor data_of(const VaeConfig& config) {
  return normal({1, Stream::sources}, samples, config.observation_dim, DType::float32);
}

VaeTraining trained(const VaeConfig& vae, VaeTrainingConfig config, Trainer trainer) {
  config.trainer = trainer;
  VaeTraining training(Vae(vae), config, split(data_of(vae)));
  EXPECT_EQ(training.is_fused(), trainer == Trainer::fused);
  while (!training.finished()) training.run_epoch();
  return training;
}

void expect_equal_bits(const VaeConfig& vae, const VaeTrainingConfig& config) {
  const Checkpoint tape = trained(vae, config, Trainer::autograd).state();
  const Checkpoint fused = trained(vae, config, Trainer::fused).state();
  EXPECT_EQ(fused.integers, tape.integers);
  ASSERT_EQ(fused.tensors.size(), tape.tensors.size());
  for (std::size_t i = 0; i < tape.tensors.size(); ++i) {
    EXPECT_TRUE(test::same_bits(fused.tensors[i].tensor, tape.tensors[i].tensor)) << tape.tensors[i].name;
  }
}

TEST(VaeSteps, ThatOneKernelMakesAreThoseOfTheTape) {
  for (const auto& [dim, layers, hidden, batch] : {std::array<Index, 4>{3, 4, 60, 64},
                                                   {3, 2, 30, 64},
                                                   {2, 3, 20, 16},
                                                   {1, 1, 5, 7},
                                                   {10, 2, 100, 50},
                                                   {4, 3, 41, 33},
                                                   {17, 3, 64, 210}}) {
    SCOPED_TRACE(fmt::format("d = {}, {} layers of {}, batches of {}", dim, layers, hidden, batch));
    VaeConfig vae;
    vae.observation_dim = vae.latent_dim = dim;
    vae.layers = layers;
    vae.hidden = hidden;
    expect_equal_bits(vae, short_training(batch));
  }
}

TEST(VaeSteps, ForEveryActivation) {
  for (const std::string& activation : activation_names()) {
    SCOPED_TRACE(activation);
    VaeConfig vae;
    vae.observation_dim = 5;
    vae.layers = 3;
    vae.hidden = 19;
    vae.activation = activation_named(activation);
    expect_equal_bits(vae, short_training(40));
  }
}

TEST(VaeSteps, ForEveryPriorAndWeightOfTheKl) {
  for (const kernels::Prior prior :
       {kernels::Prior::gaussian, kernels::Prior::uniform, kernels::Prior::beta, kernels::Prior::laplace}) {
    for (const double beta : {1.0, 0.3}) {
      SCOPED_TRACE(fmt::format("prior {}, beta {}", static_cast<int>(prior), beta));
      VaeConfig vae;
      vae.latent_dim = 2;
      vae.layers = 2;
      vae.hidden = 12;
      vae.prior = prior;
      VaeTrainingConfig config = short_training(32);
      config.beta = beta;
      config.scale_data = true;
      expect_equal_bits(vae, config);
    }
  }
  VaeConfig vae;
  vae.kl_form = kernels::KlForm::closed;
  expect_equal_bits(vae, short_training(32));
}

TEST(VaeSteps, WithALearnedPrior) {
  for (const kernels::KlForm form : {kernels::KlForm::sampled, kernels::KlForm::closed}) {
    VaeConfig vae;
    vae.layers = 3;
    vae.hidden = 18;
    vae.learned_prior = true;
    vae.kl_form = form;
    VaeTrainingConfig config = short_training(50);
    config.beta = 2;
    expect_equal_bits(vae, config);
  }
}

TEST(VaeSteps, OfAnEncoderAloneWithAGivenDecoder) {
  VaeConfig vae;
  vae.layers = 3;
  vae.hidden = 16;
  const Tensor weight = normal({2, Stream::mixing}, 3, 3, DType::float32);
  vae.decoder = FixedMlp({weight, weight}, Activation::smooth_leaky_relu, DType::float32);
  expect_equal_bits(vae, short_training(32));
}

TEST(VaeSteps, GiveTheSameBitsOnEveryInstructionSet) {
  VaeConfig vae;
  vae.hidden = 37;
  const Tensor expected = trained(vae, short_training(30), Trainer::autograd).parameters().flat();
  const std::int64_t supported = hwy::SupportedTargets();
  for (const std::int64_t target : {HWY_SCALAR, HWY_NEON, HWY_AVX2, HWY_AVX3}) {
    if (target != HWY_SCALAR && (supported & target) == 0) continue;
    SCOPED_TRACE(hwy::TargetName(target));
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    EXPECT_TRUE(
        test::same_bits(trained(vae, short_training(30), Trainer::fused).parameters().flat(), expected));
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

// The kernel's first call has fewer steps than the next ones, as when a run is continued within an epoch.
TEST(VaeSteps, GoOnWithinAnEpoch) {
  const VaeConfig vae;
  const auto continued = [&](Trainer trainer) {
    VaeTrainingConfig config = short_training(2);
    config.trainer = trainer;
    VaeTraining training(Vae(vae), config, split(data_of(vae)));
    for (int i = 0; i < 103; ++i) training.step();
    while (!training.finished()) training.run_epoch();
    return training.parameters().flat();
  };
  EXPECT_TRUE(test::same_bits(continued(Trainer::fused), continued(Trainer::autograd)));
}

TEST(VaeSteps, AreAllMadeByTheKernel) {
  const Vae vae{VaeConfig{}};
  Parameters parameters = vae.initial_parameters(1, DType::float32);
  Adam adam(parameters);
  const Tensor data = data_of(vae.config());
  FusedSteps steps(vae, parameters, short_training(64), 1e4, 1, data);
  const std::vector<double> rates(3, 1e-3);
  steps.plan({data, 0, 0, rates, 0, parameters, adam});
  FusedSteps::make(std::array{&steps});
  EXPECT_EQ(steps.made(), 3);
  EXPECT_FALSE(steps.validated().has_value());
}

// Sums of a chunk are made first, and the last batch and the last chunk are not full.
TEST(VaeSteps, AreValidatedAsOnTheTape) {
  VaeConfig vae;
  vae.layers = 2;
  vae.hidden = 5;
  VaeTrainingConfig config = short_training(999);
  config.scale_data = true;
  config.beta = 0.5;
  const Tensor data = normal({2, Stream::sources}, 11000, vae.observation_dim, DType::float32);
  const auto history = [&](Trainer trainer) {
    config.trainer = trainer;
    VaeTraining training(Vae(vae), config, split(data));
    while (!training.finished()) training.run_epoch();
    return training.history();
  };
  const std::vector<Validation> tape = history(Trainer::autograd), fused = history(Trainer::fused);
  ASSERT_EQ(fused.size(), 2u);
  for (std::size_t i = 0; i < tape.size(); ++i) EXPECT_EQ(fused[i].values, tape[i].values);
}

/// Goes on with all of them until they are finished or have thrown; what they have thrown.
std::vector<std::string> run_together(std::span<VaeTraining> trainings) {
  const std::string none = test::thrown<NumericalError>([] {});
  std::vector<std::string> errors(trainings.size(), none);
  for (;;) {
    std::vector<FusedSteps*> planned;
    std::vector<std::size_t> going;
    for (std::size_t i = 0; i < trainings.size(); ++i) {
      if (trainings[i].finished() || errors[i] != none) continue;
      planned.push_back(trainings[i].plan_steps());
      going.push_back(i);
    }
    if (planned.empty()) return errors;
    FusedSteps::make(planned);
    for (const std::size_t i : going) {
      errors[i] = test::thrown<NumericalError>([&] { trainings[i].take_steps(); });
    }
  }
}

// Models of other sizes, that go over epochs and stop at other steps, one of them for good.
TEST(VaeSteps, OfSeveralModelsTogetherAreThoseOfEachAlone) {
  VaeConfig vae;
  vae.hidden = 11;
  VaeConfig small = vae;
  small.layers = 1;
  VaeTrainingConfig config = short_training(30), patient = short_training(64), broken = config;
  patient.validation_every = 1;
  patient.patience = 1;
  broken.rate = 1e20;
  const Split data = split(data_of(vae));
  const auto all = [&] {
    std::vector<VaeTraining> trainings;
    trainings.emplace_back(Vae(vae), config, data);
    trainings.emplace_back(Vae(vae), broken, data);
    trainings.emplace_back(Vae(small), patient, data);
    return trainings;
  };
  std::vector<VaeTraining> alone = all(), together = all();
  const std::vector<std::string> errors = run_together(together);
  for (std::size_t i = 0; i < alone.size(); ++i) {
    SCOPED_TRACE(i);
    EXPECT_EQ(test::thrown<NumericalError>([&] {
                while (!alone[i].finished()) alone[i].run_epoch();
              }),
              errors[i]);
    EXPECT_EQ(together[i].state().integers, alone[i].state().integers);
    EXPECT_TRUE(test::same_bits(together[i].parameters().flat(), alone[i].parameters().flat()));
    EXPECT_TRUE(test::same_bits(together[i].best_parameters().flat(), alone[i].best_parameters().flat()));
  }
}

// What might overflow is left to the tape, which says what did.
TEST(VaeSteps, ThatOverflowAreNamedAsOnTheTape) {
  const auto error = [](double rate, double precision, Trainer trainer) {
    return test::thrown<NumericalError>([&] {
      VaeTrainingConfig config = short_training(64);
      config.rate = rate;
      config.precision = precision;
      trained(VaeConfig{}, config, trainer);
    });
  };
  for (const auto& [rate, precision] : {std::pair{1e20, 1e2}, {1e3, 1e2}, {1e-2, 1e38}}) {
    const std::string fused = error(rate, precision, Trainer::fused);
    EXPECT_EQ(fused, error(rate, precision, Trainer::autograd));
    EXPECT_NE(fused.find("at step"), std::string::npos) << fused;
    EXPECT_NE(fused.find("seed 3"), std::string::npos) << fused;
  }
}

TEST(VaeSteps, ThatNoKernelCanMakeAreLeftToTheTape) {
  VaeConfig vae;
  EXPECT_EQ(FusedSteps::obstacle(Vae(vae), 64, DType::float32, Device::cpu), "");
  EXPECT_EQ(FusedSteps::obstacle(Vae(vae), 64, DType::float64, Device::cpu),
            "it works in float32, and this is float64");
  vae.layers = 9;
  EXPECT_EQ(FusedSteps::obstacle(Vae(vae), 64, DType::float32, Device::cpu),
            "it has 9 layers, and 8 is the most");
}

}  // namespace
}  // namespace elbow
