#include "experiments/claims.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "kernels/error.h"
#include "tests/scratch_folder.h"

namespace elbow {
namespace {

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

std::vector<Claim> three_claims() {
  return {
      judge({"ratio@1e3", "σ²/RHS(12) at 1e3", "0.9993", "1"}, 1.004, 20, Target::within_relative(1, 0.01)),
      judge({"gap@1e5", "gap | at 1e5", "", "0"}, not_a_number, 19, Target::at_most(0.12)),
      leave_open({"slope", "slope"}, -1.37, 3, Target::at_most(-1), "3 seeds instead of 20")};
}

TEST(Target, ItsLimitsBelongToIt) {
  EXPECT_TRUE(Target::within(1, 0.25).met_by(1.25));
  EXPECT_TRUE(Target::within(1, 0.25).met_by(0.75));
  EXPECT_FALSE(Target::within(1, 0.25).met_by(1.2501));
  EXPECT_TRUE(Target::within_relative(-2, 0.5).met_by(-3));
  EXPECT_FALSE(Target::within_relative(-2, 0.5).met_by(-0.9));
  EXPECT_TRUE(Target::within_factor(4, 2).met_by(8));
  EXPECT_TRUE(Target::within_factor(4, 2).met_by(2));
  EXPECT_FALSE(Target::within_factor(4, 2).met_by(1.9));
  EXPECT_TRUE(Target::at_most(3).met_by(3));
  EXPECT_FALSE(Target::at_most(3).met_by(3.1));
  EXPECT_TRUE(Target::at_least(3).met_by(3));
  EXPECT_FALSE(Target::at_least(3).met_by(2.9));
  EXPECT_FALSE(Target::at_least(3).met_by(not_a_number));
  EXPECT_FALSE(Target::at_most(3).met_by(not_a_number));
}

TEST(Target, SaysWhatItIs) {
  EXPECT_EQ(Target::within(-1, 0.02).text(), "-1 ± 0.02");
  EXPECT_EQ(Target::within_relative(1.08, 0.05).text(), "1.08 ± 5 %");
  EXPECT_EQ(Target::within_factor(1.475e-5, 1.6).text(), "1.475e-05, factor 1.6");
  EXPECT_EQ(Target::at_most(2e-7).text(), "<= 2e-07");
  EXPECT_EQ(Target::at_least(0.99).text(), ">= 0.99");
}

TEST(Target, RefusesWhatNothingOrEverythingMeets) {
  EXPECT_THROW(Target::within(1, -0.1), UsageError);
  EXPECT_THROW(Target::within(not_a_number, 0.1), UsageError);
  EXPECT_THROW(Target::within_factor(1, 0.5), UsageError);
  EXPECT_THROW(Target::within_factor(-1, 2), UsageError);
  EXPECT_THROW(Target::at_most(infinity), UsageError);
}

TEST(Judge, ANumber) {
  const auto claims = three_claims();
  EXPECT_EQ(claims[0].verdict, Verdict::holds);
  EXPECT_EQ(claims[0].ours, "1.004");
  EXPECT_EQ(claims[0].measured, 1.004);
  EXPECT_EQ(claims[0].note, "");
  EXPECT_EQ(judge({"a", "a"}, 1.02, 20, Target::within_relative(1, 0.01)).verdict, Verdict::fails);
}

TEST(Judge, AMissingNumberFailsWithItsReason) {
  const Target target = Target::at_least(0);
  const auto note_of = [&](std::optional<double> measured, int n, const char* why = "") {
    const Claim claim = judge({"a", "a"}, measured, n, target, why);
    EXPECT_EQ(claim.verdict, Verdict::fails);
    EXPECT_EQ(claim.ours, "missing");
    EXPECT_FALSE(claim.measured);
    return claim.note;
  };
  EXPECT_EQ(note_of(std::nullopt, 20), "no result");
  EXPECT_EQ(note_of(1.0, 0), "no runs");
  EXPECT_EQ(note_of(not_a_number, 20), "the result is nan");
  EXPECT_EQ(note_of(infinity, 20), "the result is inf");
  EXPECT_EQ(note_of(std::nullopt, 20, "constant values"), "constant values");
  EXPECT_THROW(judge({"a", "a"}, 1.0, -1, target), UsageError);
}

TEST(Judge, LeavesOpen) {
  const Claim claim = three_claims()[2];
  EXPECT_EQ(claim.verdict, Verdict::not_judged);
  EXPECT_EQ(claim.measured, -1.37);
  EXPECT_EQ(failed_claims(three_claims()), 1);
}

TEST(Judge, ReportsWithoutATarget) {
  const Claim claim = report({"median", "the median", "0.88"}, 0.9, 12);
  EXPECT_EQ(claim.verdict, Verdict::not_judged);
  EXPECT_EQ(claim.ours, "0.9");
  EXPECT_EQ(claim.target, "");
  EXPECT_EQ(claim.note, "no target");
  EXPECT_EQ(report({"median", "the median"}, std::nullopt, 0).ours, "missing");
}

TEST(Summary, Markdown) {
  EXPECT_EQ(summary_markdown("Fig. 2", three_claims()),
            "# Fig. 2\n"
            "\n"
            "1 hold, 1 fail, 1 not judged.\n"
            "\n"
            "| claim | paper | theory | ours | target | n | verdict |\n"
            "|---|---|---|---|---|--:|---|\n"
            "| σ²/RHS(12) at 1e3 | 0.9993 | 1 | 1.004 | 1 ± 1 % | 20 | holds |\n"
            "| gap \\| at 1e5 | – | 0 | missing | <= 0.12 | 19 | fails: the result is nan |\n"
            "| slope | – | – | -1.37 | <= -1 | 3 | not judged: 3 seeds instead of 20 |\n");
}

TEST(Summary, Json) {
  const auto summary = nlohmann::json::parse(summary_json("Fig. 2", three_claims()));
  EXPECT_EQ(summary["title"], "Fig. 2");
  EXPECT_EQ(summary["holds"], 1);
  EXPECT_EQ(summary["fails"], 1);
  EXPECT_EQ(summary["not_judged"], 1);
  ASSERT_EQ(summary["claims"].size(), 3u);
  EXPECT_EQ(summary["claims"][0]["name"], "ratio@1e3");
  EXPECT_EQ(summary["claims"][0]["measured"], 1.004);
  EXPECT_EQ(summary["claims"][0]["paper"], "0.9993");
  EXPECT_EQ(summary["claims"][0]["n"], 20);
  EXPECT_EQ(summary["claims"][1]["verdict"], "fails");
  EXPECT_TRUE(summary["claims"][1]["measured"].is_null());
  EXPECT_EQ(summary["claims"][2]["verdict"], "not_judged");
  EXPECT_EQ(summary["claims"][2]["note"], "3 seeds instead of 20");
}

TEST(Summary, Files) {
  const test::ScratchFolder folder;
  write_summary(folder.path(), "Fig. 2", three_claims());
  EXPECT_EQ(test::get(folder / "summary.md"), summary_markdown("Fig. 2", three_claims()));
  EXPECT_EQ(test::get(folder / "summary.json"), summary_json("Fig. 2", three_claims()));
  EXPECT_EQ(folder.entries(), 2u);
  EXPECT_THROW(write_summary(folder / "absent", "Fig. 2", three_claims()), DataError);
}

TEST(Table, AlignsByWidthNotByBytes) {
  std::ostringstream out;
  print_claims(out, three_claims(), false);
  EXPECT_EQ(out.str(),
            "claim              paper   theory  ours     target   n   verdict\n"
            "σ²/RHS(12) at 1e3  0.9993  1       1.004    1 ± 1 %  20  holds\n"
            "gap | at 1e5       –       0       missing  <= 0.12  19  fails: the result is nan\n"
            "slope              –       –       -1.37    <= -1    3   not judged: 3 seeds instead of 20\n"
            "1 hold, 1 fail, 1 not judged\n");
}

TEST(Table, PaintsVerdictsAlone) {
  std::ostringstream out;
  print_claims(out, three_claims(), true);
  const std::string text = out.str();
  EXPECT_NE(text.find("\033[32mholds\033[0m\n"), std::string::npos);
  EXPECT_NE(text.find("\033[1;31mfails: the result is nan\033[0m\n"), std::string::npos);
  EXPECT_EQ(text.find('\033'), text.find("\033[32mholds"));
}

TEST(Table, NoColourForAFile) {
  std::FILE* file = std::tmpfile();
  ASSERT_NE(file, nullptr);
  EXPECT_FALSE(colour_wanted(fileno(file)));
  std::fclose(file);
}

}  // namespace
}  // namespace elbow
