// ctest labels: cuda threads
// All kernels of the project on the executor: the bits of the CPU under every schedule, and every call of the
// runtime failing once.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>

#include "models/vae_training.h"
#include "tests/evaluate.h"
#include "tests/executor/executor.h"
#include "tests/golden.h"
#include "tests/kernel_hashes.h"

namespace elbow::test {
namespace {

// Sanitizers watch every access of every schedule; what depends on the order of threads is for the plain build. Large
// runs, which take their time, are for fewer schedules.
#if defined(__SANITIZE_THREAD__)
constexpr bool in_reverse = false;
constexpr std::uint64_t random_schedules = 0, random_schedules_of_large_runs = 0;
#elif defined(__SANITIZE_ADDRESS__)
constexpr bool in_reverse = true;
constexpr std::uint64_t random_schedules = 2, random_schedules_of_large_runs = 0;
#else
constexpr bool in_reverse = true;
constexpr std::uint64_t random_schedules = 20, random_schedules_of_large_runs = 1;
#endif

std::vector<executor::Schedule> schedules(std::uint64_t random) {
  std::vector<executor::Schedule> all{{executor::Schedule::forward}};
  if (in_reverse) all.push_back({executor::Schedule::reverse});
  for (std::uint64_t seed = 1; seed <= random; ++seed) all.push_back({executor::Schedule::random, seed});
  return all;
}

std::string name_of(const ::testing::TestParamInfo<executor::Schedule>& info) {
  const executor::Schedule& schedule = info.param;
  if (schedule.order == executor::Schedule::random) return "random" + std::to_string(schedule.seed);
  return schedule.order == executor::Schedule::forward ? "forward" : "reverse";
}

/// Worked out once for all schedules.
std::uint64_t cpu_hash(const HashedRun& run, DType dtype) {
  static std::map<std::pair<DType, std::string>, std::uint64_t> known;
  const auto [entry, is_new] = known.try_emplace({dtype, run.name}, 0);
  if (is_new) entry->second = run.hash(Device::cpu);
  return entry->second;
}

/// How the names of the runs begin that are a kernel file's own: with the file's name, or where they do not, with this.
const std::map<std::string, std::string> own_names = {
    {"binary", R"(a - b|a \+ b \(600000\))"},
    {"convolution", R"((relu\()?(transposed_)?convolution(?! by))"},
    {"convolution_finish", "convolution by cuDNN"},
    {"copy", "transpose|slice|concatenate"},
    {"gather", "shuffled_batch"},
    {"pixels", "pixel_|shuffled_batch of pixels"},
    {"random", "uniform|normal"},
    {"slogdet", "slogdet|inverse_transpose"},
    {"slogdet_blas", "slogdet by cuBLAS"},
    {"slogdet_lanes", R"((slogdet|inverse_transpose).* (7|8|9|16)\))"},
    {"slogdet_thread", R"((slogdet|inverse_transpose).* [1-6]\))"},
    {"slogdet_warp", R"(slogdet, irregular|(slogdet|inverse_transpose)\(a\).* (17|33)\))"},
    {"strides", "a - b|transpose|slice|broadcast_to"},
    {"unary", "silu|power"},
    {"vae_steps_known", "vae_steps"},
    {"vae_steps_layers", "vae_steps"},
    {"vae_steps_model", "vae_steps"},
    {"vae_steps_products", "vae_steps"},
    {"vae_steps_threads", "vae_steps"},
};

/// The own runs of the kernel file $ELBOW_ONLY, of "slogdet" for "slogdet_lanes"; all where it is not set or has none.
std::vector<HashedRun> chosen_runs(DType dtype) {
  std::vector<HashedRun> runs = hashed_runs(dtype);
  const std::vector<HashedRun> known = hashed_runs(DType::float32);  // some have no others
  const char* const file = std::getenv("ELBOW_ONLY");
  std::string word = file == nullptr ? "" : file;
  std::regex own;
  const auto is_own = [&own](const HashedRun& run) {
    return std::regex_search(run.name, own, std::regex_constants::match_continuous);
  };
  const auto choose = [&own](const std::string& name) {
    const auto listed = own_names.find(name);
    own = listed == own_names.end() ? name : listed->second;
  };
  for (choose(word); std::none_of(known.begin(), known.end(), is_own); choose(word)) {
    const std::size_t last = word.rfind('_');
    word = last == std::string::npos ? "" : word.substr(0, last);
  }
  std::erase_if(runs, [&](const HashedRun& run) { return !is_own(run); });
  return runs;
}

class UnderSchedule : public ::testing::TestWithParam<executor::Schedule> {
 protected:
  void SetUp() override { executor::set_schedule(GetParam()); }
  void TearDown() override { executor::set_schedule({}); }

  void expect_the_bits_of_the_cpu(bool large) {
    const std::size_t blocks = executor::live_blocks();
    for (const DType dtype : {DType::float32, DType::float64}) {
      for (const HashedRun& run : chosen_runs(dtype)) {
        if (run.large != large) continue;
        ASSERT_EQ(run.hash(Device::executor), cpu_hash(run, dtype)) << name(dtype) << " " << run.name;
      }
    }
    EXPECT_EQ(executor::live_blocks(), blocks) << "memory was not given back";
  }
};
class SmallRuns : public UnderSchedule {};
class LargeRuns : public UnderSchedule {};
INSTANTIATE_TEST_SUITE_P(Under, SmallRuns, ::testing::ValuesIn(schedules(random_schedules)), name_of);
INSTANTIATE_TEST_SUITE_P(Under, LargeRuns, ::testing::ValuesIn(schedules(random_schedules_of_large_runs)),
                         name_of);

TEST_P(SmallRuns, GiveTheBitsOfTheCpu) { expect_the_bits_of_the_cpu(false); }
TEST_P(LargeRuns, GiveTheBitsOfTheCpu) { expect_the_bits_of_the_cpu(true); }

// On a machine with a GPU, gpu-check compares its hashes with these.
TEST(KernelHashes, AreThoseOfTheGoldenFile) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "sanitizers have watched all of these runs above, and change no bit";
#endif
  const auto golden = nlohmann::json::parse(source_text("tests/golden/executor_hashes.json"));
  const KernelHashes hashes = kernel_hashes(Device::executor, DType::float32);
  EXPECT_EQ(golden.size(), hashes.size());
  for (const auto& [kernel, hash] : hashes) {
    EXPECT_EQ(golden.value(kernel, "absent"), fmt::format("{:016x}", hash))
        << kernel << ": if this change is meant, write the file anew with dump_kernel_hashes";
  }
}

/// -ELBO of the best validation of a training of one epoch, two steps.
double short_training(Trainer trainer) {
  VaeConfig config;
  config.observation_dim = config.latent_dim = 2;
  config.layers = 2;
  config.hidden = 3;
  const Vae vae(config);
  VaeTrainingConfig training_config;
  training_config.batch = 7;
  training_config.epochs = 1;
  training_config.validation_every = 1;
  training_config.trainer = trainer;
  const Tensor data = normal({1, Stream::test}, 20, 2, DType::float32, Device::executor);
  VaeTraining training(vae, training_config, split(data));
  training.run_epoch();
  return training.best().loss();
}

double short_trainings() { return short_training(Trainer::autograd) + short_training(Trainer::fused); }

TEST(Runtime, AnyCallMayFail) {
#if defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "nothing here is a matter of several threads";
#endif
  const double expected = short_trainings();
  executor::fail_call(~std::uint64_t{0});
  short_trainings();
  const std::uint64_t calls = executor::calls();
  ASSERT_GT(calls, 100u);
  const std::size_t blocks = executor::live_blocks();
  std::size_t kept = 0;
  for (std::uint64_t nth = 0; nth < calls; ++nth) {
    executor::fail_call(nth);
    try {
      EXPECT_EQ(short_trainings(), expected);
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
