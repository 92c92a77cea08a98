// ctest labels: cuda heavy
// A whole sweep on the executor: host code, kernels and runtime together give the CPU's results, byte for byte.
#include <gtest/gtest.h>

#include "engine/device.h"
#include "experiments/self_consistency.h"
#include "tests/program.h"
#include "tests/scratch_folder.h"

namespace elbow {
namespace {

TEST(ExecutorSweep, GivesTheResultsOfTheCpu) {
  const test::ScratchFolder folder;
  // On one thread of the executor both runs are of one launch.
  for (const auto& [device, threads] : {std::pair{"cpu", "2"}, {"executor", "1"}}) {
    const Ran ran =
        run_as_program(self_consistency(),
                       {"--quick", "--seeds", "1", "--gamma2", "1e3,1e5", "--epochs", "1", "--hidden", "5",
                        "--threads", threads, "--device", device, "--out", device},
                       folder.path());
    ASSERT_EQ(ran.code, 0) << ran.err;
    EXPECT_NE(ran.err.find(std::string("device: ") + device), std::string::npos) << ran.err;
  }
  for (const char* table : {"runs.csv", "history.csv"}) {
    const std::string cpu = test::get(folder / "cpu" / table);
    EXPECT_GT(cpu.size(), 100u);
    EXPECT_EQ(test::get(folder / "executor" / table), cpu) << table;
  }
}

}  // namespace
}  // namespace elbow
