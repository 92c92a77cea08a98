// ctest labels: heavy
// Claims, figure and program of ima_likelihood.
#include "experiments/ima_likelihood.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "tests/program.h"
#include "tests/scratch_folder.h"

namespace elbow {
namespace {

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

RunRecord record(const Method& method, std::uint64_t seed, double mcc, double c_ima, double excess) {
  return {{seed, not_a_number, method.name},
          "done",
          10,
          1,
          {{"mcc", mcc},
           {"c_ima", c_ima},
           {"log_likelihood", -2 + excess},
           {"exact_log_likelihood", -2},
           {"excess", excess},
           {"excess_error", 0.01},
           {"reflected", 0.4}},
          {}};
}

/// Two mixings whose results are as they should be.
std::vector<RunRecord> records() {
  std::vector<RunRecord> all;
  for (const std::uint64_t seed : {1, 2}) {
    all.push_back(record(likelihood, seed, 0.7, 0.5, -0.03));
    all.push_back(record(regularised, seed, 0.99, 0.005, -0.05));
    all.push_back(record(vae_method, seed, 0.995, 0.002, -0.1));
    all.push_back(record(folding, seed, 0.1, 0.9, 3));
  }
  return all;
}

Verdict verdict(const std::vector<Claim>& claims, const std::string& name) {
  const auto found =
      std::find_if(claims.begin(), claims.end(), [&](const Claim& claim) { return claim.name == name; });
  if (found == claims.end()) throw std::runtime_error("no claim " + name);
  return found->verdict;
}

TEST(ImaLikelihoodClaims, HoldWhereTheyShould) {
  const auto claims = ima_likelihood_claims(records(), false, "");
  for (const Claim& claim : claims) {
    const bool reported = claim.name.starts_with("folding");
    EXPECT_EQ(claim.verdict, reported ? Verdict::not_judged : Verdict::holds) << claim.name;
  }
  EXPECT_EQ(claims.size(), 10u);
}

TEST(ImaLikelihoodClaims, FailWhereTheyShould) {
  std::vector<RunRecord> bad;
  for (const std::uint64_t seed : {1, 2}) {
    bad.push_back(record(likelihood, seed, 0.95, 0.1, 0.04));  // four standard errors above
    bad.push_back(record(regularised, seed, 0.9, 0.02, -0.05));
  }
  const auto claims = ima_likelihood_claims(bad, false, "");
  for (const char* name : {"mcc@likelihood", "c_ima@likelihood", "mcc@regularised", "c_ima@regularised",
                           "likelihoods", "never_above", "mcc@vae"}) {
    EXPECT_EQ(verdict(claims, name), Verdict::fails) << name;
  }
}

TEST(ImaLikelihoodClaims, AreOpenForOtherRuns) {
  for (const Claim& claim : ima_likelihood_claims(records(), false, "seeds = 2 instead of 10")) {
    EXPECT_EQ(claim.verdict, Verdict::not_judged) << claim.name;
  }
}

TEST(ImaLikelihoodFigure, ShowsThreeMethodsAndTheExactDensity) {
  const Figure figure = ima_likelihood_figure(records());
  ASSERT_EQ(figure.panels.size(), 3u);
  for (const Panel& panel : figure.panels) {
    ASSERT_GE(panel.series.size(), 3u);
    EXPECT_EQ(panel.series[1].x, (std::vector<double>{1, 2}));
  }
  EXPECT_EQ(figure.panels[0].series[1].y, (std::vector<double>{0.99, 0.99}));
  EXPECT_EQ(figure.panels[2].series.back().y, (std::vector<double>{0, 0}));
}

TEST(RunTables, NameTheMethodWhereThereIsOne) {
  const std::vector<RunRecord> all = records();
  const std::string table = runs_csv({&all[0]});
  EXPECT_TRUE(table.starts_with("seed,method,gamma2,status,steps,epochs,mcc,c_ima,")) << table;
  EXPECT_NE(table.find("\n1,likelihood,,done,10,1,0.7,0.5,"), std::string::npos) << table;
  EXPECT_EQ(name(all[0].run), "seed=1_method=likelihood");
}

TEST(RunTables, LeaveCellsEmptyThatARunDoesNotHave) {
  RunRecord flow{{1, not_a_number, "a"}, "done", 2, 1, {{"x", 1}}, {{1, 2, {{"loss", 3}}}}};
  RunRecord vae{{1, 10, "b"}, "done", 2, 1, {{"y", 2}}, {{1, 2, {{"neg_elbo", 4}}}}};
  EXPECT_EQ(runs_csv({&flow, &vae}),
            "seed,method,gamma2,status,steps,epochs,x,y\n1,a,,done,2,1,1,\n1,b,10,done,2,1,,2\n");
  EXPECT_EQ(history_csv({&flow, &vae}),
            "seed,method,gamma2,epoch,steps,loss,neg_elbo\n1,a,,1,2,3,\n1,b,10,1,2,,4\n");
}

class ImaLikelihoodProgram : public ::testing::Test {
 protected:
  test::ScratchFolder folder_;
};

TEST_F(ImaLikelihoodProgram, TellsItsSizeAndWhatItDoesNotKnow) {
  const Ran dry = run_as_program(ima_likelihood(), {"--dry-run"}, folder_.path());
  EXPECT_NE(dry.out.find("ima_likelihood: 10 mixings"), std::string::npos) << dry.out;
  EXPECT_NE(dry.out.find("12136 steps each"), std::string::npos) << dry.out;
  const Ran authors = run_as_program(ima_likelihood(), {"--protocol", "authors"}, folder_.path());
  EXPECT_EQ(authors.code, 2);
  EXPECT_NE(authors.err.find("[--protocol] expected text, got authors: ima_likelihood has no other protocol"),
            std::string::npos)
      << authors.err;
}

TEST_F(ImaLikelihoodProgram, AQuickRunHasAllMethods) {
  const Ran ran =
      run_as_program(ima_likelihood(), {"--quick", "--seeds", "1", "--out", "quick"}, folder_.path());
  EXPECT_EQ(ran.code, 0) << ran.err;
  const std::string rows = test::get(folder_ / "quick/runs.csv");
  for (const Method& method : {likelihood, regularised, vae_method, folding}) {
    EXPECT_NE(rows.find(std::string("\n1,") + method.name + ","), std::string::npos) << rows;
  }
  EXPECT_TRUE(std::filesystem::exists(folder_ / "quick/figures/ima_likelihood.png"));
}

}  // namespace
}  // namespace elbow
