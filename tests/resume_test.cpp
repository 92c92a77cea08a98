// ctest labels: heavy
// A sweep that is stopped or killed, however often, and then resumed leaves the same bytes as one that was
// not.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <map>
#include <random>
#include <thread>

#include "experiments/self_consistency.h"
#include "experiments/stop.h"
#include "tests/program.h"
#include "tests/scratch_folder.h"

namespace elbow {
namespace {

namespace fs = std::filesystem;

const std::vector<std::string> small_sweep = {"--seeds",   "2",        "--gamma2", "1e2,1e4",  "--epochs",
                                              "7",         "--hidden", "4",        "--layers", "2",
                                              "--threads", "2",        "--device", "cpu",      "--out"};

std::vector<std::string> small_sweep_to(const std::string& out, bool resume = false) {
  std::vector<std::string> arguments = small_sweep;
  arguments.push_back(out);
  if (resume) arguments.push_back("--resume");
  return arguments;
}

/// Every file but the manifest, which holds times, and the PDF, into which gnuplot writes one.
std::map<std::string, std::string> results(const fs::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const bool timed = entry.path().filename() == "manifest.json" || entry.path().extension() == ".pdf";
    if (entry.is_regular_file() && !timed)
      files[entry.path().lexically_relative(folder).string()] = test::get(entry.path());
  }
  return files;
}

void expect_same_results(const fs::path& left, const fs::path& right) {
  const auto ours = results(left);
  const auto theirs = results(right);
  for (const auto& [name, content] : theirs) {
    ASSERT_EQ(ours.count(name), 1u) << name << " is missing";
    EXPECT_TRUE(ours.at(name) == content) << name << " differs";
  }
  EXPECT_EQ(ours.size(), theirs.size());
}

/// Lets SIGALRM come after a while, in a child only.
std::function<void()> alarm_after(int milliseconds, void (*handler)(int)) {
  return [=] {
    std::signal(SIGALRM, handler);
    ::ualarm(static_cast<useconds_t>(milliseconds) * 1000, 0);
  };
}

class Resume : public testing::Test {
 protected:
  /// Starts and interrupts the sweep, ever later, and then lets it end.
  void interrupt(void (*handler)(int), int interrupted_code) {
    int interruptions = 0;
    for (int milliseconds = 100; milliseconds <= 900; milliseconds += 100) {
      const Ran ran = run_as_program(self_consistency(), small_sweep_to("interrupted", true), folder_.path(),
                                     alarm_after(milliseconds, handler));
      ASSERT_TRUE(ran.code == interrupted_code || ran.code == 0) << ran.code << ran.err;
      interruptions += ran.code == interrupted_code;
    }
    EXPECT_GE(interruptions, 1);
    const Ran last = run_as_program(self_consistency(), small_sweep_to("interrupted", true), folder_.path());
    ASSERT_EQ(last.code, 0) << last.err;
    ASSERT_EQ(run_as_program(self_consistency(), small_sweep_to("whole"), folder_.path()).code, 0);
    expect_same_results(folder_ / "interrupted", folder_ / "whole");
  }

  test::ScratchFolder folder_;
};

TEST_F(Resume, AfterStops) {
  interrupt([](int) { request_stop(); }, 130);
}

/// The program in a child process that goes on.
pid_t start(std::vector<std::string> arguments, const fs::path& where) {
  const pid_t child = ::fork();
  if (child != 0) return child;
  if (::chdir(where.c_str()) != 0) ::_exit(1);
  const int nowhere = ::open("/dev/null", O_WRONLY);
  ::dup2(nowhere, STDOUT_FILENO);
  ::dup2(nowhere, STDERR_FILENO);
  std::vector<char*> argv = {const_cast<char*>("self_consistency")};
  for (std::string& argument : arguments) argv.push_back(argument.data());
  ::_exit(experiment_main(static_cast<int>(argv.size()), argv.data(), self_consistency()));
}

/// Starts the sweep, kills it after a random part of `seconds`, and says whether that was before its end.
bool killed_at_random(std::mt19937& random, double seconds, const fs::path& where) {
  const pid_t child = start(small_sweep_to("interrupted", true), where);
  const double delay = std::uniform_real_distribution<double>(0.01, 0.5)(random) * seconds;
  std::this_thread::sleep_for(std::chrono::duration<double>(delay));
  ::kill(child, SIGKILL);
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFSIGNALED(status);
}

TEST_F(Resume, AfterTwentyKillsAtRandomMoments) {
  const auto begin = std::chrono::steady_clock::now();
  ASSERT_EQ(run_as_program(self_consistency(), small_sweep_to("whole"), folder_.path()).code, 0);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  std::mt19937 random(1);
  for (int kills = 0; kills < 20;) {
    // Killed again and again until it reaches its end; the next sweep takes the kills that are left.
    for (int in_a_row = 0; kills < 20 && in_a_row < 10; ++in_a_row) {
      if (!killed_at_random(random, seconds, folder_.path())) break;
      ++kills;
    }
    ASSERT_EQ(run_as_program(self_consistency(), small_sweep_to("interrupted", true), folder_.path()).code,
              0);
    expect_same_results(folder_ / "interrupted", folder_ / "whole");
    fs::remove_all(folder_ / "interrupted");
  }
}

TEST_F(Resume, AfterAFullDisk) {
  const auto limit = [] {
    const rlimit bytes{2048, 2048};
    setrlimit(RLIMIT_FSIZE, &bytes);
  };
  const Ran full = run_as_program(self_consistency(), small_sweep_to("interrupted"), folder_.path(), limit);
  EXPECT_EQ(full.code, 3) << full.err;
  EXPECT_NE(full.err.find("no space left"), std::string::npos) << full.err;
  for (const auto& [name, content] : results(folder_ / "interrupted"))
    EXPECT_LE(content.size(), 2047u) << name << " may be cut off";
  ASSERT_EQ(run_as_program(self_consistency(), small_sweep_to("interrupted", true), folder_.path()).code, 0);
  ASSERT_EQ(run_as_program(self_consistency(), small_sweep_to("whole"), folder_.path()).code, 0);
  expect_same_results(folder_ / "interrupted", folder_ / "whole");
}

}  // namespace
}  // namespace elbow
