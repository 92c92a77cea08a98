// ctest labels: cuda threads
// All kernels of the project on the executor: the bits of the CPU under every schedule, and every call of the
// runtime failing once.
#include <gtest/gtest.h>

#include "models/training.h"
#include "tests/evaluate.h"
#include "tests/executor/executor.h"
#include "tests/kernel_hashes.h"
#include "tests/thrown.h"

namespace elbow::test {
namespace {

// Sanitizers watch every access of every schedule; what depends on the order of threads is for the plain build.
#if defined(__SANITIZE_THREAD__)
constexpr std::uint64_t random_schedules = 0;
#elif defined(__SANITIZE_ADDRESS__)
constexpr std::uint64_t random_schedules = 2;
#else
constexpr std::uint64_t random_schedules = 20;
#endif

std::vector<executor::Schedule> schedules() {
  std::vector<executor::Schedule> all{{executor::Schedule::forward}};
#if !defined(__SANITIZE_THREAD__)
  all.push_back({executor::Schedule::reverse});
#endif
  for (std::uint64_t seed = 1; seed <= random_schedules; ++seed) {
    all.push_back({executor::Schedule::random, seed});
  }
  return all;
}

std::string name_of(const executor::Schedule& schedule) {
  if (schedule.order == executor::Schedule::random) return "random" + std::to_string(schedule.seed);
  return schedule.order == executor::Schedule::forward ? "forward" : "reverse";
}

class Kernels : public ::testing::TestWithParam<executor::Schedule> {
 protected:
  void SetUp() override { executor::set_schedule(GetParam()); }
  void TearDown() override { executor::set_schedule({}); }
};
INSTANTIATE_TEST_SUITE_P(Under, Kernels, ::testing::ValuesIn(schedules()),
                         [](const auto& info) { return name_of(info.param); });

TEST_P(Kernels, GiveTheBitsOfTheCpu) {
  const std::size_t blocks = executor::live_blocks();
  for (const DType dtype : {DType::float32, DType::float64}) {
    const KernelHashes cpu = kernel_hashes(Device::cpu, dtype);
    for (const auto& [kernel, hash] : kernel_hashes(Device::executor, dtype)) {
      EXPECT_EQ(hash, cpu.at(kernel)) << name(dtype) << " " << kernel;
    }
  }
  EXPECT_EQ(executor::live_blocks(), blocks) << "memory was not given back";
}

TEST(Slogdet, SaysHowLargeAMatrixMayBe) {
  const Variable matrix(Tensor::zeros({2, 61, 61}, DType::float32, Device::executor));
  EXPECT_EQ(thrown<UsageError>([&] { slogdet(matrix); }),
            "[slogdet] expected n up to 60 on executor, got (2, 61, 61); the CPU takes any");
}

/// -ELBO of the best validation of a training of one epoch, two steps.
double short_training() {
  VaeConfig config;
  config.observation_dim = config.latent_dim = 2;
  config.layers = 2;
  config.hidden = 3;
  const Vae vae(config);
  TrainingConfig training_config;
  training_config.batch = 7;
  training_config.epochs = 1;
  training_config.validation_every = 1;
  const Tensor data = normal({1, Stream::test}, 20, 2, DType::float32, Device::executor);
  Training training(vae, training_config, split(data));
  training.run_epoch();
  return training.best().neg_elbo;
}

TEST(Runtime, AnyCallMayFail) {
#if defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "nothing here is a matter of several threads";
#endif
  const double expected = short_training();
  executor::fail_call(~std::uint64_t{0});
  short_training();
  const std::uint64_t calls = executor::calls();
  ASSERT_GT(calls, 100u);
  const std::size_t blocks = executor::live_blocks();
  std::size_t kept = 0;
  for (std::uint64_t nth = 0; nth < calls; ++nth) {
    executor::fail_call(nth);
    try {
      EXPECT_EQ(short_training(), expected);
      // Memory that cannot be given back harms nobody.
      EXPECT_EQ(executor::failed_call(), "cudaFree") << "call " << nth;
      ++kept;
    } catch (const DeviceError& error) {
      EXPECT_EQ(std::string(error.what()).front(), '[') << error.what();
    }
    EXPECT_EQ(executor::live_blocks(), blocks + kept) << "call " << nth << ", " << executor::failed_call();
  }
  executor::fail_call(~std::uint64_t{0});
}

}  // namespace
}  // namespace elbow::test
