// Maps with an exact density, and their training by maximum likelihood.
#include "models/latent_map.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "engine/ops.h"
#include "experiments/metrics.h"
#include "experiments/moebius_map.h"
#include "models/likelihood_training.h"
#include "tests/thrown.h"

namespace elbow {
namespace {

using test::thrown;

Tensor drawn(const Shape& shape, double size, std::uint32_t number = 0) {
  return uniform({7, Stream::test, number}, -size, size, 1, shape.count(), DType::float64).reshaped(shape);
}

/// The largest singular value of a matrix (rows, columns), by powers of W^T W.
double spectral_norm(const std::vector<double>& w, Index rows, Index columns) {
  std::vector<double> v(static_cast<std::size_t>(columns), 1);
  double norm = 0;
  for (int step = 0; step < 3000; ++step) {
    std::vector<double> u(static_cast<std::size_t>(rows), 0), next(v.size(), 0);
    for (Index r = 0; r < rows; ++r) {
      for (Index c = 0; c < columns; ++c) u[r] += w[r * columns + c] * v[c];
    }
    for (Index r = 0; r < rows; ++r) {
      for (Index c = 0; c < columns; ++c) next[c] += w[r * columns + c] * u[r];
    }
    double squares = 0;
    for (const double x : next) squares += x * x;
    norm = std::pow(squares, 0.25);
    for (double& x : next) x /= std::sqrt(squares);
    v = next;
  }
  return norm;
}

class Bounded : public ::testing::TestWithParam<std::pair<Index, Index>> {};
INSTANTIATE_TEST_SUITE_P(Shapes, Bounded,
                         ::testing::Values(std::pair<Index, Index>{1, 1}, std::pair<Index, Index>{32, 3},
                                           std::pair<Index, Index>{32, 32}, std::pair<Index, Index>{3, 32}));

TEST_P(Bounded, HasTheNormOrLittleLess) {
  const auto [rows, columns] = GetParam();
  const Variable bound = bounded(Variable(drawn({3, rows, columns}, 5)), 0.97);
  for (Index i = 0; i < 3; ++i) {
    const double norm = spectral_norm(
        reshape(slice(bound, 0, i, 1), {rows, columns}).value().to_vector<double>(), rows, columns);
    EXPECT_LE(norm, 0.97 + 1e-12);
    EXPECT_GE(norm, 0.97 / 1.03);
  }
}

TEST_P(Bounded, LeavesSmallMatricesAsTheyAre) {
  const auto [rows, columns] = GetParam();
  const Tensor small = drawn({3, rows, columns}, 0.02);  // of norm 32 x 0.02 at most
  EXPECT_EQ(bounded(Variable(small), 0.97).value().to_vector<double>(), small.to_vector<double>());
}

/// Parameters `factor` times the initial ones, all of which are then far from them.
Parameters grown(const LatentMap& map, double factor) {
  Parameters parameters = map.initial_parameters(1, DType::float64, Device::cpu);
  const NoGradient off;
  parameters.flat().assign((factor * Variable(parameters.flat())).value());
  return parameters;
}

std::vector<double> applied(const LatentMap& map, const Parameters& parameters,
                            const std::vector<double>& x) {
  const NoGradient off;
  const Variable row(Tensor::from(x, {1, static_cast<Index>(x.size())}));
  return map.map(parameters, seeded(row)).primal.value().to_vector<double>();
}

TEST(LatentMap, JacobiansAreDerivatives) {
  constexpr double step = 1e-5;  // error: step^2 of a third derivative below 1e2, rounding 1e-16 / step
  for (const LatentMap& map : {residual_flow(3), unconstrained_mlp(3)}) {
    const Parameters parameters = grown(map, 1.5);
    const std::vector<double> x = {0.3, -0.7, 0.2};
    const Variable row(Tensor::from(x, {1, 3}));
    const auto jacobian = jacobians(map.map(parameters, seeded(row)).tangents).value().to_vector<double>();
    for (int k = 0; k < 3; ++k) {
      std::vector<double> up = x, down = x;
      up[k] += step;
      down[k] -= step;
      const auto above = applied(map, parameters, up), below = applied(map, parameters, down);
      for (int c = 0; c < 3; ++c) {
        EXPECT_NEAR(jacobian[c * 3 + k], (above[c] - below[c]) / (2 * step), 1e-8) << c << ", " << k;
      }
    }
  }
}

/// log abs det of a flow's Jacobians and c_IMA of their inverses, as LikelihoodTraining makes small.
Variable objective(const LatentMap& map, const Parameters& parameters, const Variable& x) {
  const Variable jacobian = jacobians(map.map(parameters, seeded(x)).tangents);
  const Variable contrast = c_ima(tangents(transpose(inverse_transpose(jacobian))));
  return mean(contrast - slogdet(jacobian).log_abs);
}

TEST(LatentMap, TheObjectiveHasTheGradientOfDifferences) {
  const LatentMap map = residual_flow(3, 2, 5);
  Parameters parameters = grown(map, 1.5);
  const Variable x(drawn({4, 3}, 1));
  const Gradients found = gradients(objective(map, parameters, x), parameters.variables());
  const Tensor start = parameters.flat().to(Device::cpu);
  const std::vector<double> values = start.to_vector<double>();
  constexpr double step = 1e-5;
  Index offset = 0;
  for (int i = 0; i < map.layout.size(); ++i) {
    const std::vector<double> gradient = found[i].value().to_vector<double>();
    for (std::size_t j = 0; j < gradient.size(); j += 3) {
      double difference = 0;
      for (const double side : {step, -step}) {
        std::vector<double> moved = values;
        moved[offset + j] += side;
        parameters.flat().assign(Tensor::from(moved, {static_cast<Index>(moved.size())}));
        difference += objective(map, parameters, x).value().item() * (side > 0 ? 1 : -1);
      }
      EXPECT_NEAR(gradient[j], difference / (2 * step), 1e-7) << map.layout.name(i) << " " << j;
    }
    offset += static_cast<Index>(gradient.size());
  }
}

TEST(LatentMap, AFlowNeverFoldsAnMlpMay) {
  const Variable x(drawn({500, 3}, 3));
  const NoGradient off;
  const auto signs = [&](const LatentMap& map) {
    const Parameters parameters = grown(map, 3);
    return slogdet(jacobians(map.map(parameters, seeded(x)).tangents)).sign.value().to_vector<double>();
  };
  // The affine layer, 3 times the identity, keeps orientation; a sigmoid that has saturated has slope 0.
  const std::vector<double> flow = signs(residual_flow(3));
  EXPECT_EQ(std::count(flow.begin(), flow.end(), -1.0), 0);
  EXPECT_GT(std::count(flow.begin(), flow.end(), 1.0), 100);
  const std::vector<double> mlp = signs(unconstrained_mlp(3));
  EXPECT_GT(std::count(mlp.begin(), mlp.end(), -1.0), 20);
}

TEST(LatentMap, SaysWhatItExpects) {
  EXPECT_EQ(
      thrown<UsageError>([] { residual_flow(3, 0); }),
      "[residual_flow] expected dim, blocks and hidden of at least 1 and a norm in (0, 1), got 3, 0, 32 and "
      "0.97");
  EXPECT_EQ(thrown<UsageError>([] { residual_flow(3, 8, 32, 1); }).substr(0, 15), "[residual_flow]");
}

TEST(Tangents, AreJacobiansLaidOutOtherwise) {
  const Variable t(drawn({2, 5, 3}, 1));
  const Variable j = jacobians(t);
  EXPECT_EQ(j.shape(), (Shape{5, 3, 2}));
  const auto from = t.value().to_vector<double>(), to = j.value().to_vector<double>();
  EXPECT_EQ(to[(4 * 3 + 1) * 2 + 1], from[(1 * 5 + 4) * 3 + 1]);
  EXPECT_EQ(tangents(j).value().to_vector<double>(), from);
}

/// Two dimensions, where a flow learns in seconds.
class Likelihood : public ::testing::Test {
 protected:
  static LikelihoodTraining training(const MixedData& data, double lambda) {
    LikelihoodTrainingConfig config;
    config.batch = 100;
    config.epochs = 20;
    config.rate = 1e-2;
    config.validation_every = 2;
    config.schedule = Schedule::cosine;
    config.scale_data = true;
    config.lambda = lambda;
    return {residual_flow(2, 3, 8), config, split(data.observations)};
  }
  const MixedData data_ = moebius_data(random_moebius(1, 2), 1, 6000);
};

TEST_F(Likelihood, IsNeverAboveTheExactOneBeyondSamplingError) {
  LikelihoodTraining flow = training(data_, 0);
  flow.run_epoch();
  const MappedSamples early = flow.mapped(flow.parameters(), data_.observations);
  while (!flow.finished()) flow.run_epoch();
  const MappedSamples late = flow.mapped(flow.best_parameters(), data_.observations);
  double excess = 0, squares = 0, then = 0;
  for (std::size_t i = 0; i < late.sign.size(); ++i) {
    const double one = late.log_likelihood[i] - data_.log_density[i];
    excess += one;
    squares += one * one;
    then += early.log_likelihood[i] - data_.log_density[i];
    EXPECT_EQ(late.sign[i], 1);
  }
  const auto count = static_cast<double>(late.sign.size());
  const double error = std::sqrt(squares / count - excess * excess / (count * count)) / std::sqrt(count);
  EXPECT_LT(excess / count, 3 * error);
  EXPECT_GT(excess, then);  // it has learnt
  EXPECT_GT(excess / count,
            -0.2);  // nats, most of the way from -1.5 of a uniform density on the square of the data
}

TEST_F(Likelihood, ReportsTheContrastOfTheInverse) {
  LikelihoodTraining flow = training(data_, 1);
  const Tensor rows_of_data = rows(data_.observations, 0, 5);
  const MappedSamples mapped = flow.mapped(flow.parameters(), rows_of_data);
  const NoGradient off;
  const LatentMap map = residual_flow(2, 3, 8);
  const Variable scaled = Variable(rows_of_data) / flow.data_scale();
  const auto j = jacobians(map.map(flow.parameters(), seeded(scaled)).tangents).value().to_vector<double>();
  for (std::size_t i = 0; i < 5; ++i) {
    const double *const a = &j[4 * i], determinant = a[0] * a[3] - a[1] * a[2];
    EXPECT_NEAR(mapped.log_likelihood[i], std::log(std::abs(determinant)) - 2 * std::log(flow.data_scale()),
                1e-12);
    const std::vector<double> inverse = {a[3], -a[1], -a[2],
                                         a[0]};  // but for a factor, which c_IMA does not see
    EXPECT_NEAR(mapped.c_ima[i], *c_ima(inverse, 2), 1e-12);
  }
}

TEST_F(Likelihood, GoesOnFromASavedState) {
  LikelihoodTraining straight = training(data_, 1), first = training(data_, 1), second = training(data_, 1);
  for (int epoch = 0; epoch < 4; ++epoch) straight.run_epoch();
  for (int epoch = 0; epoch < 3; ++epoch) first.run_epoch();
  second.restore(first.state());
  second.run_epoch();
  EXPECT_EQ(second.parameters().flat().to_vector<double>(), straight.parameters().flat().to_vector<double>());
  ASSERT_EQ(second.history().size(), 2u);
  for (std::size_t i = 0; i < 2; ++i) EXPECT_EQ(second.history()[i].values, straight.history()[i].values);
  EXPECT_EQ(second.history()[0].values[1].first, "neg_log_likelihood");
}

TEST_F(Likelihood, RefusesANegativeWeight) {
  EXPECT_EQ(thrown<UsageError>([&] { training(data_, -1); }),
            "lambda: expected a finite number of at least 0, got -1");
}

}  // namespace
}  // namespace elbow
