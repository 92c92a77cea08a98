// Claims, figures and options of the two experiments of Fig. 3.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "experiments/broken_orthogonality.h"
#include "experiments/moebius.h"
#include "tests/program.h"
#include "tests/scratch_folder.h"

namespace elbow {
namespace {

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

Options options_of(const Experiment& experiment, Protocol protocol, bool quick = false, int dim = 0) {
  Options asked;
  asked.protocol = protocol;
  asked.recipe = default_recipe(protocol);
  asked.quick = quick;
  asked.dim = dim;
  return defaults_of(experiment, asked);
}

const Claim& named(const std::vector<Claim>& claims, const std::string& name) {
  const auto found =
      std::find_if(claims.begin(), claims.end(), [&](const Claim& claim) { return claim.name == name; });
  if (found == claims.end()) throw std::runtime_error("no claim " + name);
  return *found;
}

/// Four runs at each precision with these MCCs.
std::vector<RunRecord> conformal_runs(const std::vector<double>& mcc) {
  std::vector<RunRecord> records;
  for (double gamma2 : {1e2, 1e4}) {
    for (std::size_t i = 0; i < mcc.size(); ++i) {
      records.push_back({{i + 1, gamma2},
                         "done",
                         10,
                         1,
                         {{"mcc", mcc[i]},
                          {"mcc_minibatch", gamma2 == 1e2 ? 0.15 : 0.95},
                          {"c_ima", 0.01},
                          {"c_ima_mean_jacobian", gamma2 == 1e2 ? 1 : 0.002},
                          {"stretch", 5.0 + static_cast<double>(i)}},
                         {}});
    }
  }
  return records;
}

TEST(MoebiusClaims, OfTheTextAreMedianAndQuartileOfTheWholeSet) {
  const Options options = options_of(moebius(), Protocol::text);
  const auto claims = moebius_claims(conformal_runs({0.95, 0.985, 0.995, 0.999}), options, "");
  ASSERT_EQ(claims.size(), 2u);  // none below 1e4
  EXPECT_EQ(named(claims, "mcc@1e4").verdict, Verdict::holds);
  EXPECT_NEAR(*named(claims, "mcc@1e4").measured, 0.99, 1e-12);
  EXPECT_EQ(named(claims, "mcc_q25@1e4").verdict, Verdict::fails);
  const auto quick = moebius_claims(conformal_runs({0.95, 0.985, 0.995, 0.999}),
                                    options_of(moebius(), Protocol::text, true), "");
  EXPECT_EQ(named(quick, "mcc_q25@1e4").target, ">= 0.9");
}

TEST(MoebiusClaims, AreOpenForAnotherRecipeOrSize) {
  Options options = options_of(moebius(), Protocol::text);
  options.recipe = Recipe::paper;
  for (const Claim& claim : moebius_claims(conformal_runs({0.9, 0.9}), options, "")) {
    EXPECT_EQ(claim.verdict, Verdict::not_judged);
    EXPECT_EQ(claim.note, "the targets are for --recipe best");
  }
  options.recipe = Recipe::best;
  EXPECT_EQ(moebius_claims(conformal_runs({1, 1}), options, "epochs = 3 instead of 200")[0].verdict,
            Verdict::not_judged);
}

TEST(MoebiusClaims, OfTheAuthorsStandAgainstTheirNumbers) {
  const Options options = options_of(moebius(), Protocol::authors);
  const auto claims = moebius_claims(conformal_runs({0.9, 0.9}), options, "");
  ASSERT_EQ(claims.size(), 4u);
  EXPECT_EQ(failed_claims(claims), 0);
  EXPECT_EQ(named(claims, "mcc_minibatch@1e4").paper, "0.9605");
  EXPECT_EQ(named(claims, "c_ima_mean_jacobian@100").target, "1.049, factor 2.5");
}

TEST(MoebiusClaims, SayHowManyRunsHaveNoMcc) {
  const auto claims =
      moebius_claims(conformal_runs({0.99, not_a_number, 1}), options_of(moebius(), Protocol::text), "");
  EXPECT_EQ(claims[0].verdict, Verdict::fails);
  EXPECT_EQ(claims[0].ours, "missing");
  EXPECT_EQ(claims[0].note, "1 of 3 runs have no mcc");
}

TEST(MoebiusFigure, HasEveryRunABoxThePaperAndTheStretch) {
  const auto records = conformal_runs({0.95, 0.985, 0.995, 0.999});
  const std::string csv = figure_csv(moebius_figure(records, options_of(moebius(), Protocol::text)));
  EXPECT_NE(csv.find("1,1,10000,0.99,0.97625,0.996,Recovery"), std::string::npos) << csv;
  EXPECT_NE(csv.find("1,2,10000,0.95,,,"), std::string::npos) << csv;
  EXPECT_NE(csv.find("1,3,100000,0.960646,,,"), std::string::npos) << csv;
  EXPECT_NE(csv.find("3,1,8,0.999,,,"), std::string::npos) << csv;
  EXPECT_EQ(moebius_figure(records, options_of(moebius(), Protocol::authors)).panels.size(), 2u);
}

/// Sixty runs whose MCC falls with the map's c_IMA but for small steps back.
std::vector<RunRecord> broken_runs() {
  std::vector<RunRecord> records;
  for (int i = 0; i < 60; ++i) {
    const double c_ima = 0.3 * std::pow(1.06, i);
    const double mcc = 0.95 - 0.005 * i + (i % 2 == 0 ? 0.02 : 0);
    records.push_back(
        {{static_cast<std::uint64_t>(i + 1), 1e5},
         "done",
         10,
         1,
         {{"mcc", mcc}, {"mcc_minibatch", mcc - 0.1}, {"stretch", 5.0 + i % 7}, {"map_c_ima", c_ima}},
         {}});
  }
  return records;
}

TEST(BrokenOrthogonalityClaims, JudgeTheCorrelationAndReportTheBins) {
  const Options options = options_of(broken_orthogonality(), Protocol::text);
  const auto claims = broken_orthogonality_claims(broken_runs(), options, "");
  for (const std::string name : {"spearman_mcc", "spearman_mcc_minibatch"}) {
    EXPECT_EQ(named(claims, name).verdict, Verdict::holds);
    EXPECT_EQ(named(claims, name).target, "<= -0.5");
    EXPECT_EQ(named(claims, name + "_upper").verdict, Verdict::holds);
    EXPECT_GT(*named(claims, name + "_upper").measured, *named(claims, name).measured);
  }
  EXPECT_EQ(named(claims, "spearman_mcc").paper, "");
  EXPECT_EQ(named(claims, "spearman_mcc_minibatch").paper, "-0.47");
  EXPECT_EQ(named(claims, "mcc@0.523").paper, "0.8843");
  EXPECT_EQ(named(claims, "mcc@0.523").verdict, Verdict::not_judged);
  EXPECT_EQ(named(claims, "spearman_stretch").note, "no target");
  int in_bins = 0;
  for (const MapGroup& group : map_groups(broken_runs(), options))
    in_bins += static_cast<int>(group.mcc.size());
  EXPECT_EQ(in_bins, 60);  // runs beyond the paper's range are in the outer bins
}

TEST(BrokenOrthogonalityClaims, EachRecipeHasItsTargetAndNoRunsNone) {
  Options options = options_of(broken_orthogonality(), Protocol::text);
  options.recipe = Recipe::paper;
  EXPECT_EQ(broken_orthogonality_claims(broken_runs(), options, "")[0].target, "<= -0.45");
  const auto none = broken_orthogonality_claims({}, options, "");
  EXPECT_EQ(none[0].verdict, Verdict::fails);
  EXPECT_EQ(none[0].note, "fewer than two values");
  EXPECT_EQ(broken_orthogonality_claims(broken_runs(), options, "seeds = 3 instead of 100")[0].verdict,
            Verdict::not_judged);
}

TEST(BrokenOrthogonality, InTwoDimensionsHasItsOwnModelAnglesAndNoTargets) {
  const Options options = options_of(broken_orthogonality(), Protocol::authors, false, 2);
  EXPECT_EQ(options.dim, 2);
  EXPECT_EQ(options.layers, 3);
  EXPECT_EQ(options.hidden, 20);
  EXPECT_EQ(options.learning_rate, 2e-4);
  EXPECT_EQ(options.gamma2, std::vector<double>{1e4});
  EXPECT_EQ(options.seeds.size(), 110u);
  EXPECT_EQ(cosine_of_seed(1), 0);
  EXPECT_EQ(cosine_of_seed(11), 0.999);
  EXPECT_EQ(cosine_of_seed(12), 0);
  EXPECT_EQ(cosine_of_seed(0), 0.999);
  for (const Claim& claim : broken_orthogonality_claims(broken_runs(), options, ""))
    EXPECT_EQ(claim.verdict, Verdict::not_judged) << claim.name;
  EXPECT_EQ(map_groups({}, options).size(), std::size(column_cosines));
}

TEST(BrokenOrthogonalityFigure, SaysTheCorrelationAndDrawsThePapersBins) {
  const Figure figure =
      broken_orthogonality_figure(broken_runs(), options_of(broken_orthogonality(), Protocol::authors));
  ASSERT_EQ(figure.panels.size(), 2u);
  EXPECT_EQ(figure.panels[0].title.rfind("Spearman −0.9", 0), 0u) << figure.panels[0].title;
  EXPECT_NE(figure_csv(figure).find("0.884273,0.861055,0.915878"), std::string::npos);
}

class Figure3Program : public ::testing::Test {
 protected:
  void expect_refused(const Experiment& experiment, const std::vector<std::string>& arguments,
                      const std::string& message) {
    const Ran ran = run_as_program(experiment, arguments, folder_.path());
    EXPECT_EQ(ran.code, 2);
    EXPECT_EQ(ran.err, "error: " + message + "\n");
  }
  test::ScratchFolder folder_;
};

TEST_F(Figure3Program, RefusesWhatCannotBeMeant) {
  expect_refused(moebius(), {"--protocol", "authors", "--dim", "4"},
                 "[--dim] expected 3 with --protocol authors, whose one mixing has 3 dimensions, got 4; take "
                 "--protocol text, which draws mixings of any");
  expect_refused(
      broken_orthogonality(), {"--gamma2", "1e4,1e5"},
      "[--gamma2] expected one precision, at which runs are compared, got 2; start the program once "
      "for each");
  expect_refused(broken_orthogonality(), {"--dim", "1"},
                 "[--dim] expected at least 2, got 1: one column has no angle to another; take --dim 2");
}

TEST_F(Figure3Program, DryRunsTellTheSize) {
  const Ran left = run_as_program(moebius(), {"--dry-run"}, folder_.path());
  EXPECT_NE(left.out.find("moebius: 100 runs (20 seeds x 5 values of gamma^2), at most 131200 steps each"),
            std::string::npos)
      << left.out;
  EXPECT_NE(left.out.find("2 linear layers, width 30, gelu"), std::string::npos) << left.out;
  const Ran right = run_as_program(broken_orthogonality(), {"--dim", "2", "--dry-run"}, folder_.path());
  EXPECT_NE(right.out.find("110 runs (110 seeds x 1 values of gamma^2)"), std::string::npos) << right.out;
  EXPECT_NE(right.out.find("3 linear layers, width 20"), std::string::npos) << right.out;
}

TEST_F(Figure3Program, ASmallRunHasTheMixingsColumns) {
  for (const Experiment& experiment : {moebius(), broken_orthogonality()}) {
    const Ran ran = run_as_program(experiment,
                                   {"--protocol", "authors", "--seeds", "2", "--gamma2", "1e4", "--epochs",
                                    "1", "--out", experiment.name},
                                   folder_.path());
    EXPECT_EQ(ran.code, 0) << ran.err;
    const std::string rows = test::get(folder_ / experiment.name / "runs.csv");
    const std::string heading = rows.substr(0, rows.find('\n'));
    EXPECT_TRUE(heading.ends_with(experiment.name == "moebius" ? ",stretch" : ",stretch,map_c_ima"))
        << heading;
    EXPECT_TRUE(std::filesystem::exists(folder_ / experiment.name / "figures" / (experiment.name + ".png")));
  }
}

}  // namespace
}  // namespace elbow
