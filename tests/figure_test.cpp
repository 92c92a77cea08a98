#include "experiments/figure.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include "experiments/figure_axes.h"
#include "experiments/figure_series.h"
#include "kernels/error.h"
#include "tests/scratch_folder.h"

namespace elbow {
namespace {

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

class FigureFiles : public testing::Test {
 protected:
  std::string content(const std::string& name) const { return test::get(folder_ / name); }
  std::vector<std::string> names() const {
    std::vector<std::string> result;
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
      result.push_back(entry.path().filename());
    }
    std::sort(result.begin(), result.end());
    return result;
  }

  test::ScratchFolder folder_;
};

/// The three panels of the paper's Fig. 2 with its own medians; quartiles stand for ours.
Figure figure2() {
  const auto table = figure2_reference();
  const auto ours = [&](std::string_view quantity) {
    Series series{"ours", Kind::points, Role::ours, {}, {}};
    for (const ReferenceRow& row : rows_of(table, quantity)) {
      series.x.push_back(row.gamma_square);
      series.y.push_back(row.median);
      series.low.push_back(row.q25);
      series.high.push_back(row.q75);
    }
    return series;
  };
  Series variance{"theory", Kind::dashed_reference, Role::theory, {}, {}};
  for (double exponent = 0; exponent <= 6; exponent += 0.125) {
    variance.x.push_back(std::pow(10, exponent));
    variance.y.push_back(1 / (1 + 0.28 * variance.x.back()));
  }
  Series self_consistency = ours("sigma_k^2");
  self_consistency.x = paper_series(table, "sigma_k^2", "rhs_of_eq_12").x;
  const Series diagonal{"theory", Kind::dashed_reference, Role::theory, {1e-7, 10}, {1e-7, 10}};
  const Series rate{"slope −1", Kind::dashed_reference, Role::second, {1, 1e7}, {0.05, 5e-9}};
  return {"Self-consistency (Fig. 2)",
          {{"Posterior variance",
            "decoder precision γ²",
            "σ_k²",
            true,
            true,
            {paper_series(table, "sigma_k^2"), ours("sigma_k^2"), variance}},
           {"Self-consistency",
            "right side of eq. 12",
            "σ_k²",
            true,
            true,
            {paper_series(table, "sigma_k^2", "rhs_of_eq_12"), self_consistency, diagonal}},
           {"Reconstruction",
            "decoder precision γ²",
            "‖f(μ(x)) − x‖² / d",
            true,
            true,
            {paper_series(table, "mse(f(mu(x)),x)"), ours("mse(f(mu(x)),x)"), rate}}}};
}

TEST(FigureCsv, HoldsWhatIsDrawn) {
  Figure figure{"", {{"left, with comma", "x", "y", false, true, {}}, {"", "x", "y"}}};
  figure.panels[0].series = {
      {"ours", Kind::points, Role::ours, {1, 2, 3}, {0.1 + 0.2, -1, 1e-300}, {0.25, 1, -2}, {0.5, 2, 1e21}},
      {"say \"area\"", Kind::band, Role::second, {4}, {}, {1}, {2}}};
  figure.panels[1].series = {{"line", Kind::line, Role::third, {-1, 0}, {5, not_a_number}}};
  EXPECT_EQ(figure_csv(figure),
            "panel,series,x,y,low,high,panel_title,label\n"
            "1,1,1,0.30000000000000004,0.25,0.5,\"left, with comma\",ours\n"
            "1,1,3,1e-300,-2,1e+21,\"left, with comma\",ours\n"
            "1,2,4,,1,2,\"left, with comma\",\"say \"\"area\"\"\"\n"
            "2,1,-1,5,,,,line\n");
  const std::string script = figure_script(figure, "name");
  EXPECT_NE(script.find("1 not shown"), script.rfind("1 not shown"));  // in each panel
}

TEST(FigureCsv, NumbersReadBackTheSame) {
  const auto table = figure2_reference();
  const Figure figure{"", {{"", "x", "y", true, true, {paper_series(table, "neg_elbo")}}}};
  std::istringstream lines(figure_csv(figure));
  std::string line;
  std::getline(lines, line);
  for (const ReferenceRow& row : rows_of(table, "neg_elbo")) {
    std::getline(lines, line);
    char* end = nullptr;
    EXPECT_EQ(std::strtod(line.c_str() + std::string("1,1,").size(), &end), row.gamma_square);
    EXPECT_EQ(std::strtod(end + 1, nullptr), row.median);
  }
}

TEST(QuartileSeries, MediansAndQuartiles) {
  const std::vector<double> x = {10, 100};
  const std::vector<std::vector<double>> groups = {{1, 2, 3, 4, 5}, {}};
  const Series series = quartile_series("ours", Role::ours, x, groups);
  EXPECT_EQ(series.x, x);
  EXPECT_EQ(series.y[0], 3);
  EXPECT_EQ(series.low[0], 2);
  EXPECT_EQ(series.high[0], 4);
  const Figure figure{"", {{"", "x", "y", true, false, {series}}}};
  EXPECT_NE(figure_script(figure, "name").find("1 not shown"), std::string::npos);
  EXPECT_THROW(quartile_series("ours", Role::ours, std::vector<double>{1}, groups), UsageError);
}

TEST(FigureAxes, HoldThePointsAndNoMoreThanAMargin) {
  Panel panel{"", "x", "y", false, true, {}};
  panel.series = {{"ours", Kind::points, Role::ours, {-3, 7}, {10, 100}, {0, 1}, {10, 1000}},
                  {"theory", Kind::dashed_reference, Role::theory, {-100, 100}, {1e-9, 1e9}}};
  const Axes axes = axes_of(panel);
  EXPECT_NEAR(axes.x.low, -3.6, 1e-12);
  EXPECT_NEAR(axes.x.high, 7.6, 1e-12);
  EXPECT_NEAR(std::log10(axes.y.low), -0.18, 1e-12);
  EXPECT_NEAR(std::log10(axes.y.high), 3.18, 1e-12);
  EXPECT_FALSE(axes.empty);
  panel.series.erase(panel.series.begin());
  EXPECT_LE(axes_of(panel).x.low, -100);
  panel.series.clear();
  EXPECT_TRUE(axes_of(panel).empty);
}

TEST(FigureAxes, TicksSayTheirNumbers) {
  const auto expect = [](const Axis& axis, const char* ticks) {
    EXPECT_NE(ticks_of('y', axis).commands.find(ticks), std::string::npos) << ticks_of('y', axis).commands;
  };
  expect({-0.1, 1.1, false}, "tics nomirror ('0' 0, '0.2' 0.2, '0.4' 0.4, '0.6' 0.6, '0.8' 0.8, '1' 1)");
  expect({0.99984, 1.00011, false}, "('0.99985' 0.99985, '0.9999' 0.9999, '0.99995' 0.99995, '1' 1, ");
  expect({0, 2.2e-5, false}, "'0.5×10^{-5}' 5e-06, '1×10^{-5}' 1e-05");
  expect({0.03, 1.4, true}, "('0.05' 0.05, '0.1' 0.1, '0.2' 0.2, '0.5' 0.5, '1' 1)");
  expect({2.1, 4.7, true}, "('2.5' 2.5, '3' 3, '3.5' 3.5, '4' 4, '4.5' 4.5)");
  expect({5, 2e5, true}, "set ytics nomirror 1e0,1e1; set mytics 10; set format y '10^{%T}'");
  expect({1e-10, 1e5, true}, "set ytics nomirror 1e-12,1e3; unset mytics");
  expect({66, 1.5e5, true}, "set ytics nomirror 1e1,1e1; set mytics 10");
}

TEST(FigureScript, RefusesWhatCannotBeDrawn) {
  const Panel panel{"", "x", "y"};
  EXPECT_THROW(figure_csv({"", {}}), UsageError);
  EXPECT_THROW(figure_script({"", {panel, panel, panel, panel, panel}}, "name"), UsageError);
  const auto refuses = [&](Series series) {
    Figure figure{"", {panel}};
    figure.panels[0].series = {std::move(series)};
    EXPECT_THROW(figure_csv(figure), UsageError);
  };
  refuses({"a", Kind::points, Role::ours, {1, 2}, {1}});
  refuses({"a", Kind::points, Role::ours, {1}, {1}, {1}, {}});
  refuses({"a", Kind::band, Role::ours, {1}, {}, {}, {}});
  refuses({"two\nlines", Kind::points, Role::ours, {1}, {1}});
}

TEST_F(FigureFiles, FiveAppearAndNothingElse) {
  write(figure2(), folder_.path(), "fig2");
  EXPECT_EQ(names(), (std::vector<std::string>{"fig2.csv", "fig2.gp", "fig2.pdf", "fig2.png", "fig2.svg"}));
  EXPECT_EQ(content("fig2.csv"), figure_csv(figure2()));
  EXPECT_EQ(content("fig2.gp"), figure_script(figure2(), "fig2"));
  EXPECT_EQ(content("fig2.pdf").substr(0, 5), "%PDF-");
  const std::string svg = content("fig2.svg");
  EXPECT_NE(svg.find("decoder precision γ²"), std::string::npos);
  EXPECT_EQ(svg.substr(svg.find_last_not_of('\n') - 5, 6), "</svg>");
  const std::string png = content("fig2.png");
  EXPECT_EQ(png.substr(1, 3), "PNG");
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(png[i]); };
  EXPECT_EQ(byte(18) * 256 + byte(19), 1500);  // the width in IHDR
  EXPECT_LT(png.size(), 200'000u);
}

TEST_F(FigureFiles, TheScriptRunsAgainByHand) {
  write(figure2(), folder_.path(), "fig2");
  const std::string svg = content("fig2.svg"), png = content("fig2.png");
  for (const char* extension : {"svg", "png", "pdf"}) {
    std::filesystem::remove(folder_ / (std::string("fig2.") + extension));
  }
  ASSERT_EQ(std::system(("cd '" + folder_.path().string() + "' && gnuplot fig2.gp").c_str()), 0);
  EXPECT_EQ(content("fig2.svg"), svg);
  EXPECT_EQ(content("fig2.png"), png);
  EXPECT_TRUE(std::filesystem::exists(folder_ / "fig2.pdf"));
}

TEST_F(FigureFiles, EveryKindIsDrawnAndHardTextToo) {
  const std::vector<double> x = {1, 2, 3}, y = {0.5, 0.25, 0.75}, low = {-1, 0.1, 0.2}, high = {1, 2, 3};
  Figure figure{"It's 100 % \"plain\"",
                {{"", "", "", false, true, {}}, {"nothing", "x", "y", true, true, {}}}};
  for (const Kind kind :
       {Kind::line, Kind::points, Kind::line_points, Kind::box, Kind::band, Kind::dashed_reference}) {
    figure.panels[0].series.push_back(
        {"kind, '" + std::to_string(static_cast<int>(kind)) + "'", kind, Role::fourth, x, y, low, high});
  }
  write(figure, folder_.path(), "kinds");
  const std::string svg = content("kinds.svg");
  for (const char* label : {"kind, '0'", "kind, '1'", "kind, '2'", "kind, '3'", "kind, '4'", "kind, '5'"}) {
    EXPECT_NE(svg.find(label), std::string::npos) << label;
  }
  EXPECT_NE(svg.find("no points"), std::string::npos);
}

TEST_F(FigureFiles, RefusesNamesThatLeaveTheFolder) {
  EXPECT_THROW(write(figure2(), folder_.path(), "../fig2"), UsageError);
  EXPECT_THROW(write(figure2(), folder_.path(), ""), UsageError);
  EXPECT_THROW(write(figure2(), folder_.path(), "it's"), UsageError);
  EXPECT_TRUE(names().empty());
  EXPECT_THROW(write(figure2(), folder_ / "absent", "fig2"), DataError);
}

/// Sets PATH and puts the old one back.
class PathVariable {
 public:
  explicit PathVariable(const std::string& value) : old_(std::getenv("PATH")) {
    setenv("PATH", value.c_str(), 1);
  }
  ~PathVariable() { setenv("PATH", old_.c_str(), 1); }

 private:
  std::string old_;
};

TEST_F(FigureFiles, WithoutGnuplotThePackageIsNamedAndTheDataStay) {
  const PathVariable path(folder_.path().string());
  try {
    write(figure2(), folder_.path(), "fig2");
    ADD_FAILURE() << "no error";
  } catch (const DataError& error) {
    EXPECT_NE(std::string(error.what()).find("apt-get install gnuplot-nox"), std::string::npos)
        << error.what();
  }
  EXPECT_EQ(names(), (std::vector<std::string>{"fig2.csv", "fig2.gp"}));
}

TEST_F(FigureFiles, GnuplotsOwnErrorIsPassedOn) {
  test::put(folder_ / "gnuplot", "#!/bin/sh\necho 'no such terminal' >&2\nexit 3\n");
  std::filesystem::permissions(folder_ / "gnuplot", std::filesystem::perms::owner_all);
  const PathVariable path(folder_.path().string() + ":" + std::getenv("PATH"));
  try {
    write(figure2(), folder_.path(), "fig2");
    ADD_FAILURE() << "no error";
  } catch (const DataError& error) {
    EXPECT_NE(std::string(error.what()).find("code 3"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("no such terminal"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace elbow
