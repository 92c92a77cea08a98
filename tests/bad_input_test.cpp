// What a program answers to input that cannot be meant: the exit code, one sentence that tells what to do,
// and nothing half-written. The program here is the frame all experiments share.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <new>

#include "experiments/run_folder.h"
#include "experiments/self_consistency.h"
#include "experiments/stop.h"
#include "kernels/error.h"
#include "tests/program.h"
#include "tests/scratch_folder.h"

namespace elbow {
namespace {

using Words = std::vector<std::string>;

/// The last line of stderr without its end, so that a device line before it does not matter.
std::string last_line(const std::string& text) {
  const std::size_t end = text.find_last_not_of('\n');
  if (end == std::string::npos) return "";
  const std::size_t begin = text.rfind('\n', end);
  return text.substr(begin == std::string::npos ? 0 : begin + 1,
                     end - (begin == std::string::npos ? 0 : begin + 1) + 1);
}

class BadInput : public testing::Test {
 protected:
  void expect(const Words& arguments, int code, const std::string& message) {
    const Ran ran = run_as_program(dummy_experiment(), arguments, folder_.path());
    EXPECT_EQ(ran.code, code) << ran.err;
    EXPECT_EQ(last_line(ran.err), "error: " + message);
    EXPECT_EQ(ran.out, "");
  }
  void expect_usage(const Words& arguments, const std::string& message) { expect(arguments, 2, message); }
  /// A configuration file with this text; the message gets the file's name in front.
  void expect_config(const std::string& text, const std::string& message) {
    test::put(folder_ / "my.toml", text);
    expect_usage({"--config", "my.toml"}, "my.toml:" + message);
  }

  test::ScratchFolder folder_;
};

TEST_F(BadInput, UnknownFlag) {
  expect_usage({"--epcohs", "3"}, "[--epcohs] no such option; did you mean --epochs?");
  expect_usage({"--seed_list=3"}, "[--seed_list] no such option; did you mean --seed-list?");
  expect_usage({"--wibble"}, "[--wibble] no such option; --help lists what there is");
  expect_usage({"--prior", "beta"}, "[--prior] means nothing to this experiment; leave it out");
  expect_usage({"epochs=3"}, "'epochs=3': options start with --; see --help");
  expect_usage({"-n", "3"}, "'-n': options start with --; see --help");
  EXPECT_EQ(folder_.entries(), 0u);
}

TEST_F(BadInput, WrongValue) {
  expect_usage({"--lr", "nan"},
               "[--lr] expected a finite number greater than 0, got 'nan'; for example --lr 1e-3");
  expect_usage({"--lr", "-1"},
               "[--lr] expected a finite number greater than 0, got '-1'; for example --lr 1e-3");
  expect_usage({"--lr", "1e-3x"},
               "[--lr] expected a finite number greater than 0, got '1e-3x'; for example --lr 1e-3");
  expect_usage({"--epochs", "2.5"},
               "[--epochs] expected a whole number from 1 to 1000000, got '2.5'; for example --epochs 200");
  expect_usage({"--epochs", "99999999999999999999"},
               "[--epochs] expected a whole number from 1 to 1000000, got '99999999999999999999'; for "
               "example --epochs "
               "200");
  expect_usage({"--epochs"},
               "[--epochs] expected a whole number from 1 to 1000000, got ''; for example --epochs 200");
  expect_usage({"--device", "gpu"},
               "[--device] expected one of auto, cpu, cuda, executor, got 'gpu'; for example --device cpu");
  expect_usage({"--quick=maybe"}, "[--quick] expected true or false, got 'maybe'; for example --quick");
  expect_usage({"--out", ""}, "[--out] expected a path, got ''; for example --out runs/mine");
  EXPECT_EQ(folder_.entries(), 0u);
}

TEST_F(BadInput, SeedsAndPrecisions) {
  const std::string seeds = "[--seed-list] expected distinct whole numbers, none below 0, got ";
  expect_usage({"--seed-list", "-1"}, seeds + "'-1'; for example --seed-list 1,2,3");
  expect_usage({"--seed-list", "1,2,1"}, seeds + "'1,2,1'; for example --seed-list 1,2,3");
  expect_usage({"--seed-list", "1,,2"}, seeds + "'1,,2'; for example --seed-list 1,2,3");
  expect_usage({"--seed-list", "9223372036854775808"},
               seeds + "'9223372036854775808'; for example --seed-list 1,2,3");
  expect_usage({"--seeds", "0"},
               "[--seeds] expected a whole number from 1 to 100000, got '0'; for example --seeds 20");
  const std::string gamma2 = "[--gamma2] expected distinct finite numbers greater than 0, got ";
  for (const std::string text : {"0", "1e3,-1", "inf", "nan", "1e999", "", ","})
    expect_usage({"--gamma2", text}, gamma2 + "'" + text + "'; for example --gamma2 1e1,1e2");
  EXPECT_EQ(folder_.entries(), 0u);
}

TEST_F(BadInput, Contradictions) {
  expect_usage({"--seeds", "3", "--seed-list", "1,2"},
               "[--seeds] contradicts [--seed-list]; keep one of them");
  expect_usage({"--lr", "1", "--lr", "2"}, "[--lr] given twice; keep one of them");
  expect_config("seeds = 3\nseed_list = [1]\n",
                "1: [seeds] contradicts my.toml:2: [seed_list]; keep one of them");
}

TEST_F(BadInput, WhatTheExperimentRefuses) {
  expect_usage({"--batch", "1001"}, "[--batch] expected at most 1000 (the data), got 1001; take fewer");
}

TEST_F(BadInput, BatchLargerThanTheData) {
  const Ran ran = run_as_program(self_consistency(), {"--batch", "42001", "--out", "x"}, folder_.path());
  EXPECT_EQ(ran.code, 2);
  EXPECT_EQ(ran.err,
            "error: [--batch] expected at most 42000 (the training samples), got 42001; choose a smaller "
            "batch\n");
  EXPECT_EQ(folder_.entries(), 0u);
}

TEST_F(BadInput, Profile) {
  const std::string expected = "[--profile] expected two steps A:B with 1 <= A <= B, got ";
  for (const std::string text :
       {"", "7", ":", "7:", ":7", "0:3", "-1:3", "3:2", "1:2:3", "1-3", "a:b", "1:99999999999999999999"})
    expect_usage({"--profile", text}, expected + "'" + text + "'; for example --profile 101:110");
  expect_config(
      "profile = 7\n",
      "1: [profile] expected two steps A:B with 1 <= A <= B, got 7; for example profile = \"101:110\"");
  expect_usage(
      {"--profile", "2:5", "--device", "cpu"},
      "[--profile] device cpu has no profiler to start and stop; take --device cuda, or leave it out "
      "and use perf");
  EXPECT_EQ(folder_.entries(), 1u);  // the configuration file
}

TEST_F(BadInput, ConfigurationFile) {
  expect_config("quick = true\n\nepoch = 3\n", "3: [epoch] no such key; did you mean epochs?");
  expect_config("dry-run = true\n", "1: [dry-run] no such key; did you mean dry_run?");
  expect_config("lr = \"0.1\"\n",
                "1: [lr] expected a finite number greater than 0, got '0.1'; for example lr = 1e-3");
  expect_config("lr = nan\n",
                "1: [lr] expected a finite number greater than 0, got nan; for example lr = 1e-3");
  expect_config("epochs = 3.0\n",
                "1: [epochs] expected a whole number from 1 to 1000000, got 3.0; for example epochs = 200");
  expect_config("epochs = true\n",
                "1: [epochs] expected a whole number from 1 to 1000000, got true; for example epochs = 200");
  expect_config(
      "gamma2 = []\n",
      "1: [gamma2] expected distinct finite numbers greater than 0, got []; for example gamma2 = [1e1, 1e2]");
  expect_config(
      "gamma2 = [1, \"2\"]\n",
      "1: [gamma2] expected distinct finite numbers greater than 0, got [ 1, '2' ]; for example gamma2 = "
      "[1e1, 1e2]");
  expect_config(
      "gamma2 = 10\n",
      "1: [gamma2] expected distinct finite numbers greater than 0, got 10; for example gamma2 = [1e1, 1e2]");
  expect_config("[model]\nlr = 1\n", "1: [model] no such key; --help lists what there is");
  expect_config("config = \"other.toml\"\n", "1: [config] a file cannot name another; put all keys in one");
  expect_config("experiment = \"moebius\"\n",
                "1: [experiment] expected \"dummy\", got 'moebius'; run that program, or take the line out");
}

TEST_F(BadInput, ConfigurationFileThatIsNotToml) {
  for (const std::string text : {"lr = 1\nlr = 2\n", "\nlr = \n", "\nlr : 3\n"}) {
    test::put(folder_ / "my.toml", text);
    const Ran ran = run_as_program(dummy_experiment(), {"--config", "my.toml"}, folder_.path());
    EXPECT_EQ(ran.code, 2);
    EXPECT_EQ(ran.err.rfind("error: my.toml:2: ", 0), 0u) << ran.err;
  }
  const Ran missing = run_as_program(dummy_experiment(), {"--config", "none.toml"}, folder_.path());
  EXPECT_EQ(missing.code, 3);
  EXPECT_NE(missing.err.find("none.toml"), std::string::npos) << missing.err;
  EXPECT_NE(missing.err.find("No such file"), std::string::npos) << missing.err;
}

TEST_F(BadInput, DeviceThatCannotBeHad) {
  if (unavailable_reason(Device::cuda).empty()) GTEST_SKIP() << "CUDA can be had here";
  const Ran ran = run_as_program(dummy_experiment(), {"--device", "cuda", "--out", "x"}, folder_.path());
  EXPECT_EQ(ran.code, 4);
  EXPECT_EQ(ran.err, "error: [--device] cuda cannot be had: " + unavailable_reason(Device::cuda) +
                         "; take --device cpu or auto\n");
  EXPECT_EQ(folder_.entries(), 0u);
}

TEST_F(BadInput, FolderThatCannotBeWritten) {
  test::put(folder_ / "file", "");
  for (const std::string out : {"file", "file/below", "/proc/elbow"}) {
    const Ran ran = run_as_program(dummy_experiment(), {"--out", out}, folder_.path());
    EXPECT_EQ(ran.code, 3) << ran.err;
    EXPECT_EQ(last_line(ran.err).rfind("error: [--out] " + out, 0), 0u) << ran.err;
    EXPECT_NE(ran.err.find("; choose an"), std::string::npos) << ran.err;
  }
  EXPECT_EQ(folder_.entries(), 1u);
}

TEST_F(BadInput, FolderThatIsNotEmpty) {
  ASSERT_EQ(run_as_program(dummy_experiment(), {"--out", "mine"}, folder_.path()).code, 0);
  const std::string rows = test::get(folder_ / "mine/runs.csv");
  expect_usage(
      {"--out", "mine"},
      "[--out] mine exists and is not empty; add --resume to go on with it, or choose another --out");
  EXPECT_EQ(test::get(folder_ / "mine/runs.csv"), rows);
}

TEST_F(BadInput, FullDiskLeavesNothingHalfWritten) {
  // No file may be longer than 1 KiB: the configuration fits, the manifest with its list of files does not.
  const auto limit = [] {
    const rlimit bytes{256, 256};
    setrlimit(RLIMIT_FSIZE, &bytes);
  };
  const Ran ran = run_as_program(dummy_experiment(), {"--out", "mine"}, folder_.path(), limit);
  EXPECT_EQ(ran.code, 3) << ran.err;
  EXPECT_NE(last_line(ran.err).find("File too large"), std::string::npos) << ran.err;
  EXPECT_NE(last_line(ran.err).find("no space left"), std::string::npos) << ran.err;
  if (!std::filesystem::exists(folder_ / "mine")) return;
  for (const auto& entry : std::filesystem::directory_iterator(folder_ / "mine"))
    EXPECT_EQ(entry.path().filename(), "config.toml");
}

TEST_F(BadInput, ResultsThatCannotBePrinted) {
  const auto full = [] {
    const int number = ::open("/dev/full", O_WRONLY);
    ::dup2(number, STDOUT_FILENO);
  };
  const Ran ran = run_as_program(dummy_experiment(), {"--dry-run"}, folder_.path(), full);
  EXPECT_EQ(ran.code, 3);
  EXPECT_NE(ran.err.find("[stdout] writing failed: No space left on device"), std::string::npos) << ran.err;
}

TEST_F(BadInput, ClosedStdoutDoesNotKillATraining) {
  const auto closed_pipe = [] {
    int ends[2];
    if (::pipe(ends) != 0) ::_exit(99);
    ::close(ends[0]);
    ::dup2(ends[1], STDOUT_FILENO);
  };
  const Ran ran = run_as_program(dummy_experiment(), {"--out", "mine"}, folder_.path(), closed_pipe);
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_TRUE(std::filesystem::exists(folder_ / "mine/runs.csv"));
}

int code_of(const std::function<Outcome()>& run, const std::filesystem::path& where, std::string& errors) {
  Experiment experiment = dummy_experiment();
  experiment.run = [&](const Options&, const RunFolder&) { return run(); };
  const Ran ran = run_as_program(experiment, {}, where);
  errors = last_line(ran.err);
  return ran.code;
}

TEST_F(BadInput, OutcomesBecomeExitCodes) {
  Claim claim;
  claim.name = "claim";
  claim.verdict = Verdict::fails;
  std::string errors;
  EXPECT_EQ(code_of([] { return Outcome{}; }, folder_.path(), errors), 0);
  EXPECT_EQ(code_of([&] { return Outcome{{claim}, 0, 0}; }, folder_.path(), errors), 6);
  EXPECT_EQ(code_of([&] { return Outcome{{claim}, 2, 0}; }, folder_.path(), errors), 5);
  EXPECT_EQ(errors, "warning: 2 runs ended in a NaN or an overflow; runs.csv names them");
  claim.verdict = Verdict::not_judged;
  EXPECT_EQ(code_of([&] { return Outcome{{claim}, 0, 0}; }, folder_.path(), errors), 0);
}

TEST_F(BadInput, WhatIsThrownBecomesOneLine) {
  std::string errors;
  EXPECT_EQ(code_of([]() -> Outcome { throw NumericalError("[exp] NaN at step 3"); }, folder_.path(), errors),
            5);
  EXPECT_EQ(errors, "error: [exp] NaN at step 3");
  EXPECT_EQ(code_of([]() -> Outcome { throw std::bad_alloc(); }, folder_.path(), errors), 1);
  EXPECT_EQ(errors, "error: out of memory; try fewer --threads, a smaller --batch or --hidden");
  EXPECT_EQ(code_of([]() -> Outcome { throw std::logic_error("oops"); }, folder_.path(), errors), 1);
  EXPECT_EQ(errors, "error: internal error: oops");
}

TEST_F(BadInput, SignalsSaveAndEndWith130) {
  for (const int signal : {SIGINT, SIGTERM}) {
    Experiment experiment = dummy_experiment();
    experiment.run = [signal](const Options&, const RunFolder& folder) {
      ::raise(signal);
      if (!stop_requested()) ::_exit(99);
      folder.write("runs.csv", "saved\n");
      return Outcome{};
    };
    const std::string out = "stopped" + std::to_string(signal);
    const Ran ran = run_as_program(experiment, {"--out", out}, folder_.path());
    EXPECT_EQ(ran.code, 130);
    EXPECT_EQ(last_line(ran.err), "stopped and saved; go on with: dummy --resume --out " + out);
    EXPECT_EQ(test::get(folder_ / (out + "/runs.csv")), "saved\n");
    EXPECT_NE(test::get(folder_ / (out + "/manifest.json")).find("\"stopped\""), std::string::npos);
  }
}

}  // namespace
}  // namespace elbow
