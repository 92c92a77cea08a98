// What a profiler is told, by a back end that writes it down; and that --profile changes no result.
#include "engine/profiling.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "experiments/run_folder.h"
#include "experiments/self_consistency.h"
#include "tests/scratch_folder.h"

namespace elbow {
namespace {

using Words = std::vector<std::string>;
Words told;

const kernels::Profiling writes_down = {[](const char* name) { told.push_back(name); },
                                        [] { told.push_back("end"); }, [] { told.push_back("start"); },
                                        [] { told.push_back("stop"); }};

/// What is told about steps 1 to `steps` when `recorded` are to be recorded.
Words told_of(std::int64_t steps, const StepInterval& recorded) {
  told.clear();
  for (std::int64_t step = 1; step <= steps; ++step) {
    const StepCapture capture(writes_down, step, recorded);
    told.push_back(std::to_string(step));
  }
  return told;
}

TEST(Profiling, RangesNest) {
  told.clear();
  {
    const ProfilerRange epoch(writes_down, "epoch");
    const ProfilerRange step(writes_down, "step");
  }
  EXPECT_EQ(told, (Words{"epoch", "step", "end", "end"}));
}

TEST(Profiling, RecordsFromBeforeTheFirstStepToAfterTheLast) {
  EXPECT_EQ(told_of(4, {2, 3}), (Words{"1", "start", "2", "3", "stop", "4"}));
  EXPECT_EQ(told_of(3, {1, 1}), (Words{"start", "1", "stop", "2", "3"}));
  EXPECT_EQ(told_of(2, {2, 9}), (Words{"1", "start", "2"}));
  EXPECT_EQ(told_of(2, {}), (Words{"1", "2"}));
}

TEST(Profiling, StopsEvenIfTheLastStepFails) {
  told.clear();
  try {
    const StepCapture capture(writes_down, 5, {5, 5});
    throw NumericalError("overflow");
  } catch (const NumericalError&) {
  }
  EXPECT_EQ(told, (Words{"start", "stop"}));
}

TEST(Profiling, TheCpuHasNoneAndTakesNoNotice) {
  const kernels::Profiling& none = backend(Device::cpu).profiling;
  EXPECT_EQ(none.begin_range, nullptr);
  EXPECT_EQ(none.start_capture, nullptr);
  const StepCapture capture(Device::cpu, 1, {1, 1});
  const ProfilerRange range(Device::cpu, "step");
}

/// A sweep of two runs of one epoch each, 656 steps.
class ProfiledSweep : public ::testing::Test {
 protected:
  /// runs.csv and history.csv; the rest of what is said is in `said_`.
  std::string results(const std::string& name, const StepInterval& profile) {
    const Experiment experiment = self_consistency();
    Options options = defaults_of(experiment, Protocol::authors, Recipe::paper, true);
    options.seeds = {1, 2};
    options.gamma2 = {1e3};
    options.epochs = 1;
    options.hidden = 8;
    options.threads = 1;
    options.device = DeviceChoice::cpu;
    options.out = (scratch_ / name).string();
    options.profile = profile;
    const RunFolder folder(experiment, options);
    ::testing::internal::CaptureStderr();
    experiment.run(options, folder);
    said_ = ::testing::internal::GetCapturedStderr();
    return test::get(folder.file("runs.csv")) + test::get(folder.file("history.csv")) +
           test::get(folder.file("config.toml"));
  }

  test::ScratchFolder scratch_;
  std::string said_;
};

TEST_F(ProfiledSweep, LeavesTheSameBytes) {
  const std::string plain = results("plain", {});
  EXPECT_EQ(said_.find("[--profile]"), std::string::npos) << said_;
  EXPECT_EQ(results("profiled", {656, 656}), plain);
  EXPECT_EQ(said_.find("[--profile]"), std::string::npos) << said_;
}

TEST_F(ProfiledSweep, SaysSoIfNoRunGetsThere) {
  results("short", {657, 700});
  EXPECT_NE(said_.find("[--profile] no run got to step 657: nothing was recorded"), std::string::npos)
      << said_;
}

}  // namespace
}  // namespace elbow
