#include "experiments/reproduce.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <csignal>

#include "experiments/registry.h"
#include "experiments/run_folder.h"
#include "kernels/error.h"
#include "tests/program.h"
#include "tests/scratch_folder.h"

namespace elbow {
namespace {

Experiment named(const std::string& name, std::function<Outcome(const Options&, const RunFolder&)> run) {
  Experiment experiment = dummy_experiment();
  experiment.name = name;
  experiment.run = std::move(run);
  return experiment;
}

Outcome claim(Verdict verdict) {
  Claim claim;
  claim.name = "slope";
  claim.quantity = "the slope";
  claim.verdict = verdict;
  return {{claim}, 0, 0};
}

Experiment that_holds() {
  return named("good", [](const Options&, const RunFolder&) { return claim(Verdict::holds); });
}
Experiment that_fails() {
  return named("bad", [](const Options&, const RunFolder&) { return claim(Verdict::fails); });
}
Experiment that_breaks() {
  return named("broken", [](const Options&, const RunFolder&) -> Outcome { throw DataError("[data] gone"); });
}

class Reproduce : public testing::Test {
 protected:
  Ran run(const std::vector<Experiment>& experiments, std::vector<std::string> more = {}) {
    more.insert(more.end(), {"--quick", "--out", "all"});
    return run_as_program(reproduce(experiments), more, folder_.path());
  }
  test::ScratchFolder folder_;
};

TEST_F(Reproduce, RunsBothProtocolsInFoldersOfTheirOwn) {
  const Ran ran = run({dummy_experiment()});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_NE(test::get(folder_ / "all/dummy_text/config.toml")
                .find("protocol = \"text\"\nrecipe = \"best\"\nquick = true"),
            std::string::npos);
  EXPECT_NE(
      test::get(folder_ / "all/dummy_authors/config.toml").find("protocol = \"authors\"\nrecipe = \"paper\""),
      std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "runs"));
}

TEST_F(Reproduce, OneSummaryNamesExperimentAndProtocol) {
  EXPECT_EQ(run({that_holds()}).code, 0);
  const std::string summary = test::get(folder_ / "all/summary.md");
  EXPECT_NE(summary.find("good, text: the slope"), std::string::npos) << summary;
  EXPECT_NE(summary.find("good, authors: the slope"), std::string::npos) << summary;
  EXPECT_NE(test::get(folder_ / "all/summary.json").find("good_authors/slope"), std::string::npos);
}

TEST_F(Reproduce, AnErrorEndsOnlyItsOwnExperimentAndOutranksClaims) {
  const Ran ran = run({that_breaks(), that_fails(), that_holds()});
  EXPECT_EQ(ran.code, 3);
  EXPECT_NE(ran.err.find("error: broken, text: [data] gone"), std::string::npos) << ran.err;
  const std::string summary = test::get(folder_ / "all/summary.md");
  EXPECT_NE(summary.find("broken, text: runs to the end"), std::string::npos) << summary;
  EXPECT_NE(summary.find("good, authors: the slope"), std::string::npos) << summary;
}

TEST_F(Reproduce, AClaimThatFailsDecidesTheCode) { EXPECT_EQ(run({that_holds(), that_fails()}).code, 6); }

TEST_F(Reproduce, StopsAndResumes) {
  const Experiment stopping = named("stopping", [](const Options&, const RunFolder& folder) {
    if (!folder.resumed()) ::raise(SIGTERM);
    return Outcome{};
  });
  EXPECT_EQ(run({that_holds(), stopping}).code, 130);
  EXPECT_TRUE(std::filesystem::exists(folder_ / "all/stopping_text"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "all/stopping_authors"));
  EXPECT_EQ(run({that_holds(), stopping}, {"--resume"}).code, 130);
  EXPECT_EQ(run({that_holds(), stopping}, {"--resume"}).code, 0);
  EXPECT_TRUE(std::filesystem::exists(folder_ / "all/summary.md"));
}

TEST_F(Reproduce, TheRegistryIsSound) {
  std::set<std::string> names;
  for (const Experiment& experiment : experiments()) {
    EXPECT_TRUE(names.insert(experiment.name).second) << experiment.name << " is registered twice";
    for (const std::string& name : experiment.accepted) EXPECT_TRUE(find_option(name)) << name;
    for (const std::string& name : common_options()) EXPECT_EQ(experiment.accepted.count(name), 1u) << name;
  }
  const Ran ran = run_as_program(reproduce(experiments()), {"--dry-run"}, folder_.path());
  EXPECT_EQ(ran.code, 0) << ran.err;
  for (const Experiment& experiment : experiments()) {
    for (const Protocol protocol : experiment.protocols) {
      const std::string title = fmt::format("{}, {}\n", experiment.name, name(protocol));
      EXPECT_NE(ran.out.find(title), std::string::npos) << title << ran.out;
    }
  }
  EXPECT_EQ(folder_.entries(), 0u);
}

}  // namespace
}  // namespace elbow
