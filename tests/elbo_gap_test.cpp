// ctest labels: heavy
#include "experiments/elbo_gap.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "engine/ops.h"
#include "experiments/known_decoders.h"
#include "models/vae_training.h"
#include "tests/program.h"
#include "tests/scratch_folder.h"
#include "tests/thrown.h"

namespace elbow {
namespace {

/// Four points whose differences are `size` times 1e5 / gamma^2, give or take.
OptimalCurve curve(const std::string& decoder, double c_ima, double size) {
  OptimalCurve result{decoder, c_ima, -2, {1e4, 1e5, 1e6, 1e7}, {}};
  for (double gamma2 : result.gamma2) {
    std::vector<double> values;
    for (double scatter : {0.8, 0.9, 1.1, 1.2}) values.push_back(scatter * size * 1e5 / gamma2);
    result.ima_minus_elbo.push_back(values);
  }
  return result;
}

RunRecord record(double decoder, double difference) {
  return {{1, 1e5}, "done", 1, 1, {{"decoder", decoder}, {"ima_minus_elbo", difference}}, {}};
}

const Claim& claim_named(const std::vector<Claim>& claims, const std::string& name) {
  return *std::find_if(claims.begin(), claims.end(), [&](const Claim& claim) { return claim.name == name; });
}

TEST(OptimalCurve, HasMeansAndASlope) {
  const OptimalCurve falling = curve("1", 2, -0.004);
  EXPECT_NEAR(*falling.mean_at(1e5), -0.004, 1e-15);
  EXPECT_FALSE(falling.mean_at(3e5));
  const auto slope = falling.slope_from(1e5);
  ASSERT_TRUE(slope && slope->interval);
  EXPECT_NEAR(slope->value, -1, 1e-12);
  // Every point falls at the same rate: so does any resample.
  EXPECT_NEAR(slope->interval->low, -1, 1e-12);
  EXPECT_NEAR(slope->interval->high, -1, 1e-12);
}

TEST(ElboGapClaims, JudgeEachDecoder) {
  const std::vector<OptimalCurve> curves = {curve("1", 2, -0.004), curve("2", 1, 0.007),
                                            curve(control_name, 0, 0.001)};
  const std::vector<RunRecord> records = {record(1, 0.05), record(1, 0.07), record(1, 3), record(2, 0.1)};
  const auto claims = elbo_gap_claims(curves, records, false, "", "");
  EXPECT_EQ(claims.size(), 8u);
  EXPECT_EQ(claim_named(claims, "difference@1").verdict, Verdict::holds);
  EXPECT_NE(claim_named(claims, "difference@1").quantity.find("C_IMA 2.000"), std::string::npos);
  EXPECT_EQ(claim_named(claims, "difference@2").verdict, Verdict::fails);
  EXPECT_EQ(claim_named(claims, "slope@1").verdict, Verdict::holds);
  EXPECT_NE(claim_named(claims, "slope@1").quantity.find("95 % interval -1.0000 to -1.0000"),
            std::string::npos);
  EXPECT_EQ(claim_named(claims, "control").verdict, Verdict::holds);
  EXPECT_EQ(claim_named(claims, "control_c_ima").verdict, Verdict::holds);
  EXPECT_EQ(claim_named(claims, "encoder@1").measured, 0.07);
  EXPECT_EQ(claim_named(claims, "encoder@1").n, 3);
  EXPECT_EQ(claim_named(claims, "encoder@2").verdict, Verdict::fails);
}

TEST(ElboGapClaims, ADepartureLeavesOpenWhatItTouches) {
  const std::vector<OptimalCurve> curves = {curve("1", 2, -0.004)};
  const auto claims = elbo_gap_claims(curves, {}, false, "", "epochs = 3 instead of 200");
  EXPECT_EQ(claim_named(claims, "difference@1").verdict, Verdict::holds);
  EXPECT_EQ(claim_named(claims, "encoder@1").verdict, Verdict::not_judged);
  EXPECT_EQ(claim_named(elbo_gap_claims(curves, {}, false, "", ""), "encoder@1").note, "no runs");
}

TEST(ElboGapFigure, ShowsBothDifferencesAndTheRate) {
  const Figure figure =
      elbo_gap_figure({curve("1", 2, -0.004), curve(control_name, 0, 0.001)}, {record(1, 0.05)});
  ASSERT_EQ(figure.panels.size(), 3u);
  const std::string csv = figure_csv(figure);
  EXPECT_NE(csv.find("decoder 1: C_{IMA} = 2.00"), std::string::npos) << csv;
  const auto has_point = [](const Panel& panel, double x, double y) {
    return std::any_of(panel.series.begin(), panel.series.end(), [&](const Series& series) {
      for (std::size_t i = 0; i < series.x.size() && series.kind != Kind::dashed_reference; ++i) {
        if (series.x[i] == x && std::abs(series.y[i] - y) < 1e-12) return true;
      }
      return false;
    });
  };
  EXPECT_TRUE(has_point(figure.panels[0], 1e5, -0.004));
  EXPECT_TRUE(has_point(figure.panels[0], 1e5, 0.05));
  EXPECT_TRUE(has_point(figure.panels[1], 1e5, 1.996));
  EXPECT_TRUE(has_point(figure.panels[2], 1e7, 0.00004));
  EXPECT_FALSE(has_point(figure.panels[0], 1e6, -0.0004));
}

VaeConfig with_given_decoder(DType dtype) {
  VaeConfig config;
  config.layers = 3;
  config.hidden = 16;
  config.activation = Activation::gelu;
  config.decoder = FixedMlp(triangular_weights(1, 3), Activation::smooth_leaky_relu, dtype);
  return config;
}

TEST(GivenDecoder, HasNoParametersAndTheEncoderLearns) {
  const Vae vae(with_given_decoder(DType::float64));
  for (int i = 0; i < vae.layout().size(); ++i) EXPECT_TRUE(vae.layout().name(i).starts_with("encoder."));
  const Variable sources(normal({1, Stream::sources}, 1000, 3, DType::float64));
  VaeTrainingConfig config;
  config.precision = 100;
  config.rate = 1e-2;
  config.epochs = 20;
  const Tensor data = vae.decode(vae.initial_parameters(1, DType::float64), sources).value();
  VaeTraining training(vae, config, split(data));
  training.run_epoch();
  const double early = training.evaluate(training.parameters(), data, Stream::test, 0).neg_elbo;
  while (!training.finished()) training.run_epoch();
  EXPECT_LT(training.best().loss(), early - 1);
}

TEST(GivenDecoder, MustFitTheDimensions) {
  VaeConfig config = with_given_decoder(DType::float32);
  config.observation_dim = 4;
  EXPECT_EQ(test::thrown<UsageError>([&] { Vae vae(config); }),
            "given decoder: expected one from 3 to 4 dimensions, got 3 to 3");
}

class ElboGapProgram : public testing::Test {
 protected:
  Ran run(const std::string& out, std::vector<std::string> more = {}) {
    more.insert(more.end(), {"--quick", "--seeds", "1", "--gamma2", "1e4", "--epochs", "1", "--out", out});
    return run_as_program(elbo_gap(), more, folder_.path());
  }
  test::ScratchFolder folder_;
};

TEST_F(ElboGapProgram, JudgesWhatDoesNotDependOnTheEncoder) {
  const Ran ran = run("first");
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_NE(ran.out.find("4 hold, 0 fail, 1 not judged"), std::string::npos) << ran.out;
  EXPECT_TRUE(std::filesystem::exists(folder_ / "first/figures/elbo_gap.svg"));
  EXPECT_TRUE(test::get(folder_ / "first/runs.csv")
                  .starts_with("seed,gamma2,status,steps,epochs,decoder,neg_elbo,gap,ima_minus_elbo,c_ima\n"
                               "1,1e4,done,656,1,1,"));
  EXPECT_EQ(run("again", {"--threads", "1"}).code, 0);
  for (const char* name : {"runs.csv", "optimal.csv", "figures/elbo_gap.csv"}) {
    EXPECT_EQ(test::get(folder_ / "first" / name), test::get(folder_ / "again" / name)) << name;
  }
}

TEST_F(ElboGapProgram, RefusesTheAuthorsProtocol) {
  const Ran ran = run("authors", {"--protocol", "authors"});
  EXPECT_EQ(ran.code, 2);
  EXPECT_NE(ran.err.find("[--protocol] expected text, got authors: elbo_gap has no other protocol"),
            std::string::npos)
      << ran.err;
}

}  // namespace
}  // namespace elbow
