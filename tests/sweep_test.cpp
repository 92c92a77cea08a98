// ctest labels: threads
// What a sweep leaves behind is a function of its options: not of threads, neighbours, interruptions or time.
#include <gtest/gtest.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <thread>

#include "experiments/self_consistency.h"
#include "experiments/sweep.h"
#include "models/vae_training.h"
#include "tests/program.h"
#include "tests/scratch_folder.h"

namespace elbow {
namespace {

using test::ScratchFolder;

/// A sweep of four short runs, the --seeds and --gamma2 of the issue in small; large batches make its steps few.
std::vector<std::string> arguments(const std::filesystem::path& out,
                                   const std::vector<std::string>& more = {}) {
  std::vector<std::string> all = {"--protocol", "authors",  "--seeds", "2",         "--gamma2",
                                  "1e2,1e3",    "--epochs", "6",       "--batch",   "512",
                                  "--hidden",   "8",        "--out",   out.string()};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

/// Everything that must not differ: the tables and the checkpoints, by name.
std::map<std::string, std::string> results(const std::filesystem::path& folder) {
  std::map<std::string, std::string> files = {{"runs.csv", test::get(folder / "runs.csv")},
                                              {"history.csv", test::get(folder / "history.csv")}};
  for (const auto& file : std::filesystem::directory_iterator(folder / "checkpoints")) {
    files[file.path().filename()] = test::get(file.path());
  }
  return files;
}

/// Names of files that only one has, or whose bytes differ.
std::vector<std::string> differences(const std::map<std::string, std::string>& a,
                                     const std::map<std::string, std::string>& b) {
  std::vector<std::string> names;
  for (const auto& [name, content] : a) {
    if (!b.contains(name) || b.at(name) != content) names.push_back(name);
  }
  for (const auto& [name, content] : b) {
    if (!a.contains(name)) names.push_back(name);
  }
  return names;
}

using Names = std::vector<std::string>;

class SweepTest : public ::testing::Test {
 protected:
  std::map<std::string, std::string> run(const std::string& name, const std::vector<std::string>& more = {}) {
    const Ran ran = run_as_program(self_consistency(), arguments(scratch_ / name, more), scratch_.path());
    EXPECT_EQ(ran.code, 0) << ran.err;
    return results(scratch_ / name);
  }
  ScratchFolder scratch_;
};

TEST_F(SweepTest, SameSeedsGiveTheSameBytesOnOneThreadOrTwo) {
  const auto once = run("once", {"--threads", "1"});
  EXPECT_EQ(once.size(), 6u);
  EXPECT_EQ(differences(once, run("again", {"--threads", "1"})), Names{});
  EXPECT_EQ(differences(once, run("two", {"--threads", "2"})), Names{});
}

TEST_F(SweepTest, ARunAloneIsTheRunInASweep) {
  const auto sweep = run("sweep");
  const Ran ran =
      run_as_program(self_consistency(),
                     {"--protocol", "authors", "--seed-list", "2", "--gamma2", "1e3", "--epochs", "6",
                      "--batch", "512", "--hidden", "8", "--out", (scratch_ / "alone").string()},
                     scratch_.path());
  EXPECT_EQ(ran.code, 0) << ran.err;
  const std::string file = "seed=2_gamma2=1e3.safetensors";
  EXPECT_TRUE(results(scratch_ / "alone").at(file) == sweep.at(file));
}

/// The program in a child process that goes on.
pid_t start(std::vector<std::string> arguments) {
  const pid_t child = ::fork();
  if (child != 0) return child;
  const int nowhere = ::open("/dev/null", O_WRONLY);
  ::dup2(nowhere, STDOUT_FILENO);
  ::dup2(nowhere, STDERR_FILENO);
  std::vector<char*> argv = {const_cast<char*>("self_consistency")};
  for (std::string& argument : arguments) argv.push_back(argument.data());
  ::_exit(experiment_main(static_cast<int>(argv.size()), argv.data(), self_consistency()));
}

/// Sends `signal` to a started sweep after `delay` and waits for its end; the wait status.
int signalled(int signal, std::chrono::microseconds delay, const std::vector<std::string>& arguments) {
  const pid_t child = start(arguments);
  std::this_thread::sleep_for(delay);
  ::kill(child, signal);
  int status = 0;
  ::waitpid(child, &status, 0);
  return status;
}

TEST_F(SweepTest, ASignalStopsItSavedWithExitCode130) {
  for (int signal : {SIGINT, SIGTERM}) {
    const std::string name = "stopped" + std::to_string(signal);
    auto command = arguments(scratch_ / name);
    *(std::find(command.begin(), command.end(), "--epochs") + 1) = "400";
    const int status = signalled(signal, std::chrono::milliseconds(700), command);
    ASSERT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 130);
    int states = 0;
    for (const auto& [file, content] : results(scratch_ / name))
      states += file.ends_with(".state.safetensors");
    EXPECT_GE(states, 1);
  }
}

TEST_F(SweepTest, TellsTheHistoryOfARunThatGoesOn) {
  Options options;
  options.seeds = {1};
  options.threads = 1;
  options.out = (scratch_ / "telling").string();
  const RunFolder folder(dummy_experiment(), options);
  std::string seen;
  const auto prepare = [&](const elbow::Run&) {
    VaeTrainingConfig config;
    config.epochs = 2;
    config.validation_every = 1;
    const Split data = split(normal({1, Stream::sources}, 100, 2, DType::float32));
    VaeConfig vae;
    vae.observation_dim = vae.latent_dim = 2;
    return prepared(std::make_unique<VaeTraining>(Vae(vae), config, data), [&](const VaeTraining&) {
      seen = test::get(folder.file("history.csv"));
      return Values();
    });
  };
  run_sweep("telling", {{1, 1e4}}, options, folder, "", prepare);
  EXPECT_EQ(seen.find("seed,gamma2,epoch,steps,neg_elbo,reconstruction,kl\n1,1e4,1,1,"), 0u) << seen;
}

TEST_F(SweepTest, AForeignStateIsRefusedAndKept) {
  run("first");
  const auto record = scratch_ / "first" / "checkpoints" / "seed=1_gamma2=100.safetensors";
  const std::string before = test::get(record);
  const auto other = scratch_ / "other";
  std::filesystem::create_directories(other / "checkpoints");
  std::filesystem::copy_file(scratch_ / "first" / "config.toml", other / "config.toml");
  std::filesystem::copy_file(record, other / "checkpoints" / "seed=2_gamma2=100.safetensors");
  const Ran ran = run_as_program(self_consistency(), arguments(other, {"--resume"}), scratch_.path());
  EXPECT_EQ(ran.code, 3) << ran.err;
  EXPECT_NE(ran.err.find("seed=2_gamma2=100.safetensors is the record of another configuration"),
            std::string::npos)
      << ran.err;
  EXPECT_EQ(test::get(other / "checkpoints" / "seed=2_gamma2=100.safetensors"), before);
}

TEST_F(SweepTest, AnOverflowEndsThatRunAndIsNamed) {
  const Ran ran =
      run_as_program(self_consistency(), arguments(scratch_ / "overflow", {"--lr", "1e30"}), scratch_.path());
  EXPECT_EQ(ran.code, 5) << ran.err;
  const std::string rows = test::get(scratch_ / "overflow" / "runs.csv");
  EXPECT_NE(rows.find("of seed 2, gamma^2 1000"), std::string::npos) << rows;
}

}  // namespace
}  // namespace elbow
