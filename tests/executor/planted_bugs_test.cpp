// ctest labels: threads
// A net that has never caught anything may have holes: each of these bugs must be seen, and its repair must not.
#include "tests/executor/planted_bugs.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>

#include "tests/executor/executor.h"

namespace elbow::test {
namespace {

using executor::Schedule;

constexpr const char* right = "the right result";
constexpr const char* wrong = "a wrong result";

/// How a bug shows in the plain build under each order of threads, and in the builds with sanitizers.
struct Verdicts {
  const char* forward;
  const char* reverse;
  const char* random;
  const char* address_sanitizer;
  const char* thread_sanitizer;
};

constexpr const char* beyond_shared = "wrote beyond its shared memory";
constexpr const char* at_barriers = "waits at __syncthreads";
constexpr const char* left_early = "left the kernel";

// What sanitizers report, each with an exit code that is not 0.
constexpr const char* race = "data race";
constexpr const char* beyond_array = "index 64 out of bounds for type 'float ";
constexpr const char* beyond_device = "use-after-poison";

const std::map<std::string, Verdicts> verdicts = {
    {"SharedWriteOutOfBounds", {beyond_shared, beyond_shared, beyond_shared, beyond_array, beyond_shared}},
    {"NoBarrierBeforeRead", {wrong, right, wrong, wrong, race}},
    {"NoBarrierBeforeWrite", {wrong, wrong, wrong, wrong, race}},
    {"UninitialisedSharedRead", {wrong, wrong, wrong, wrong, wrong}},
    {"DivergentBarrier", {at_barriers, at_barriers, at_barriers, at_barriers, at_barriers}},
    {"MaskNamesAbsentLanes", {left_early, left_early, left_early, left_early, left_early}},
    {"GlobalReadPastTheEnd", {right, right, right, beyond_device, right}},
    {"NoFenceInLastBlockSum", {right, right, right, right, race}},
    {"RaceBetweenBlocks", {right, right, right, right, race}},
};

std::string verdict(const PlantedBug& bug, bool planted, Schedule schedule = {}) {
  executor::set_schedule(schedule);
  try {
    return bug.gives_right_result(planted) ? right : wrong;
  } catch (const executor::ExecutionError& error) {
    return error.what();
  }
}

class PlantedBugs : public ::testing::TestWithParam<PlantedBug> {
 protected:
  void SetUp() override { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
  void TearDown() override { executor::set_schedule({}); }
  static const Verdicts& expected() { return verdicts.at(GetParam().name); }
};
INSTANTIATE_TEST_SUITE_P(Of, PlantedBugs, ::testing::ValuesIn(planted_bugs()),
                         [](const auto& info) { return std::string(info.param.name); });

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)

#if defined(__SANITIZE_ADDRESS__)
constexpr auto of_sanitizer = &Verdicts::address_sanitizer;
#else
constexpr auto of_sanitizer = &Verdicts::thread_sanitizer;
#endif

// A report ends the process, or its exit code tells of it: so each runs in one of its own.
[[noreturn]] void say_verdict(const PlantedBug& bug, bool planted) {
  std::fprintf(stderr, "%s\n", verdict(bug, planted).c_str());
  std::exit(0);
}

bool is_report(const char* verdict) {
  return verdict == race || verdict == beyond_array || verdict == beyond_device;
}

TEST_P(PlantedBugs, AreSeenByTheSanitizer) {
  const char* const found = expected().*of_sanitizer;
  const auto ends = [&](int status) { return is_report(found) != ::testing::ExitedWithCode(0)(status); };
  EXPECT_EXIT(say_verdict(GetParam(), true), ends, found);
}

TEST_P(PlantedBugs, AreGoneWhenRepaired) {
  EXPECT_EXIT(say_verdict(GetParam(), false), ::testing::ExitedWithCode(0), right);
}

#if defined(__SANITIZE_THREAD__)
// A race detector may forget all but the last few hundred threads.
TEST(RaceOfManyThreads, IsSeen) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const PlantedBug bug{"RaceOfManyThreads", race_of_many_threads};
  EXPECT_EXIT(
      say_verdict(bug, true), [](int) { return true; }, race);
  EXPECT_EXIT(say_verdict(bug, false), ::testing::ExitedWithCode(0), right);
}
#endif

#else

constexpr std::uint64_t random_schedules = 20;

void expect_verdict(const std::string& found, const std::string& expected) {
  EXPECT_NE(found.find(expected), std::string::npos) << "found: " << found << "\nexpected: " << expected;
}

TEST_P(PlantedBugs, AreSeenUnderSchedules) {
  expect_verdict(verdict(GetParam(), true, {Schedule::forward}), expected().forward);
  expect_verdict(verdict(GetParam(), true, {Schedule::reverse}), expected().reverse);
  for (std::uint64_t seed = 1; seed <= random_schedules; ++seed) {
    expect_verdict(verdict(GetParam(), true, {Schedule::random, seed}), expected().random);
  }
}

TEST_P(PlantedBugs, AreGoneWhenRepaired) {
  EXPECT_EQ(verdict(GetParam(), false, {Schedule::forward}), right);
  EXPECT_EQ(verdict(GetParam(), false, {Schedule::reverse}), right);
  for (std::uint64_t seed = 1; seed <= random_schedules; ++seed) {
    EXPECT_EQ(verdict(GetParam(), false, {Schedule::random, seed}), right) << "seed " << seed;
  }
}

#endif

}  // namespace
}  // namespace elbow::test
