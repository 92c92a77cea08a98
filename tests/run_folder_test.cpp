#include "experiments/run_folder.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "tests/program.h"
#include "tests/scratch_folder.h"

namespace elbow {
namespace {

namespace fs = std::filesystem;

Options resolved() {
  Options options = defaults_of(dummy_experiment(), Protocol::text, Recipe::best, true);
  options.device = DeviceChoice::cpu;
  options.threads = 1;
  return options;
}

class RunFolders : public testing::Test {
 protected:
  void SetUp() override { fs::current_path(folder_.path()); }
  void TearDown() override { fs::current_path(before_); }

  Ran run(const std::vector<std::string>& arguments) {
    return run_as_program(dummy_experiment(), arguments, folder_.path());
  }

  const fs::path before_ = fs::current_path();
  test::ScratchFolder folder_;
};

TEST_F(RunFolders, AreDatedAndTheLatestIsLinked) {
  fs::path first;
  {
    const RunFolder folder(dummy_experiment(), resolved());
    first = folder.path();
    EXPECT_EQ(first.parent_path(), "runs");
    EXPECT_TRUE(first.filename().string().ends_with("_dummy")) << first;
    EXPECT_FALSE(folder.resumed());
    EXPECT_EQ(fs::read_symlink("runs/latest"), first.filename());
    EXPECT_TRUE(test::get(first / "config.toml").find("experiment = \"dummy\"\n") != std::string::npos);
  }
  // Most likely in the same second.
  const RunFolder second(dummy_experiment(), resolved());
  EXPECT_NE(second.path(), first);
  EXPECT_EQ(fs::read_symlink("runs/latest"), second.path().filename());
}

TEST_F(RunFolders, HoldWhatTheDesignSaysAndNothingElse) {
  ASSERT_EQ(run({"--out", "mine"}).code, 0);
  std::set<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator("mine")) names.insert(entry.path().filename());
  EXPECT_EQ(names, (std::set<std::string>{"config.toml", "manifest.json", "runs.csv", "summary.json",
                                          "summary.md"}));
  EXPECT_FALSE(fs::exists("runs"));
}

TEST_F(RunFolders, TheStoredConfigurationRunsAgainToTheSameBytes) {
  ASSERT_EQ(run({"--out", "first", "--seeds", "3", "--gamma2", "1e2,3.5"}).code, 0);
  ASSERT_EQ(run({"--out", "second", "--config", "first/config.toml"}).code, 0);
  EXPECT_EQ(test::get("first/config.toml"), test::get("second/config.toml"));
  EXPECT_EQ(test::get("first/runs.csv"), test::get("second/runs.csv"));
}

TEST_F(RunFolders, ResumeTakesTheLatestAndItsConfiguration) {
  ASSERT_EQ(run({"--seeds", "3"}).code, 0);
  const std::string rows = test::get("runs/latest/runs.csv");
  fs::remove("runs/latest/runs.csv");
  const Ran again = run({"--resume"});
  EXPECT_EQ(again.code, 0) << again.err;
  EXPECT_EQ(test::get("runs/latest/runs.csv"), rows);
  const auto manifest = nlohmann::json::parse(test::get("runs/latest/manifest.json"));
  EXPECT_EQ(manifest["starts"].size(), 2u);
}

TEST_F(RunFolders, ResumeRefusesAnotherConfigurationAndNamesTheKey) {
  ASSERT_EQ(run({"--out", "mine", "--seeds", "3"}).code, 0);
  const std::string config = test::get("mine/config.toml");
  const Ran other = run({"--out", "mine", "--resume", "--epochs", "7"});
  EXPECT_EQ(other.code, 2);
  EXPECT_NE(other.err.find("[--resume] mine/config.toml has epochs = 200, now it is 7; drop that option"),
            std::string::npos)
      << other.err;
  EXPECT_EQ(test::get("mine/config.toml"), config);
  EXPECT_EQ(run({"--out", "mine", "--resume", "--threads", "3"}).code, 0);
}

TEST_F(RunFolders, ResumeOfNothing) {
  const Ran none = run({"--resume"});
  EXPECT_EQ(none.code, 3);
  EXPECT_NE(none.err.find("there is no runs/latest here; name the run folder with --out"), std::string::npos)
      << none.err;
  // The same command line can start a run and, after a stop, go on with it.
  EXPECT_EQ(run({"--resume", "--out", "mine"}).code, 0);
  EXPECT_EQ(run({"--resume", "--out", "mine"}).code, 0);
  fs::create_directory("other");
  test::put("other/letter.txt", "");
  const Ran other = run({"--resume", "--out", "other"});
  EXPECT_EQ(other.code, 2);
  EXPECT_NE(other.err.find("so it is no run folder"), std::string::npos) << other.err;
}

TEST_F(RunFolders, BelongToOneProcessAtATime) {
  Options options = resolved();
  options.out = "mine";
  options.resume = true;
  {
    const RunFolder mine(dummy_experiment(), options);
    const Ran other = run({"--quick", "--out", "mine", "--resume", "--device", "cpu"});
    EXPECT_EQ(other.code, 2);
    EXPECT_NE(other.err.find("mine is in use by another process; wait for it"), std::string::npos)
        << other.err;
  }
  EXPECT_EQ(run({"--out", "mine", "--resume"}).code, 0);
}

TEST_F(RunFolders, SurviveAKilledWriter) {
  fs::create_directory("mine");
  test::put("mine/.elbow-17-0.tmp", "half");
  test::put("mine/.lock", "");
  EXPECT_EQ(run({"--out", "mine"}).code, 0);
  test::put("mine/.elbow-17-0.tmp", "half");
  EXPECT_EQ(run({"--out", "mine", "--resume"}).code, 0);
  EXPECT_FALSE(fs::exists("mine/.elbow-17-0.tmp"));
}

TEST_F(RunFolders, ManifestTellsWhereTheFilesComeFrom) {
  ASSERT_EQ(run({"--out", "mine", "--seeds", "1", "--gamma2", "10"}).code, 0);
  const auto manifest = nlohmann::json::parse(test::get("mine/manifest.json"));
  for (const char* key :
       {"experiment", "version", "revision", "compiler", "flags", "libraries", "device", "cpu"})
    EXPECT_TRUE(manifest.contains(key)) << key;
  // CRC-32 of "seed,gamma2\n1,10\n" by Python's zlib.crc32.
  EXPECT_EQ(manifest["files"]["runs.csv"]["crc32"], "dac9fe01");
  EXPECT_EQ(manifest["files"]["runs.csv"]["bytes"], 17);
  EXPECT_EQ(manifest["starts"][0]["status"], "done");
  EXPECT_GE(manifest["starts"][0]["wall_seconds"], 0.0);
}

}  // namespace
}  // namespace elbow
