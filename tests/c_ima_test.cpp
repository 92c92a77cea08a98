// c_IMA and its gradient: Jacobians whose c_IMA is known, every instruction set alike, and those that have none.
#include <gtest/gtest.h>
#include <hwy/highway.h>
#include <hwy/targets.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "engine/forward_mode.h"
#include "engine/ops.h"
#include "engine/random.h"
#include "experiments/metrics.h"
#include "kernels/backend.h"
#include "tests/thrown.h"

namespace elbow::test {
namespace {

/// One sample's Jacobian, row by row, as tangents (n, 1, n).
Variable tangents_of(const std::vector<double>& jacobian, Index n, DType dtype) {
  std::vector<double> columns(jacobian.size());
  for (Index c = 0; c < n; ++c) {
    for (Index k = 0; k < n; ++k) columns[k * n + c] = jacobian[c * n + k];
  }
  return Variable(Tensor::from(columns, {n, 1, n}).to(dtype));
}

double c_ima_of(const std::vector<double>& jacobian, Index n, DType dtype) {
  return c_ima(tangents_of(jacobian, n, dtype)).value().to_vector<double>().front();
}

std::vector<double> random_matrix(Index n, unsigned seed) {
  std::mt19937 engine(seed);
  std::normal_distribution<double> normal;
  std::vector<double> matrix(n * n);
  for (double& x : matrix) x = normal(engine);
  return matrix;
}

double conformal_limit(DType dtype) { return dtype == DType::float32 ? 1e-6 : 1e-13; }

TEST(CIma, OfRotationsAndScalingsIsZero) {
  for (const DType dtype : {DType::float32, DType::float64}) {
    for (double angle = 0; angle < 6.3; angle += 0.1) {
      const double c = std::cos(angle), s = std::sin(angle);
      // A rotation with columns of very different lengths.
      EXPECT_NEAR(c_ima_of({c * 1e-20, -s * 3, s * 1e-20, c * 3}, 2, dtype), 0, conformal_limit(dtype))
          << angle;
      const std::vector<double> around_axis = {c, -s, 0, s, c, 0, 0, 0, 1};
      EXPECT_NEAR(c_ima_of(around_axis, 3, dtype), 0, conformal_limit(dtype)) << angle;
    }
    EXPECT_NEAR(c_ima_of({1e30, 0, 0, 0, -1e-30, 0, 0, 0, 7}, 3, dtype), 0, conformal_limit(dtype));
  }
}

TEST(CIma, OfAMoebiusMapIsZero) {
  // J of x = (z - a) / |z - a|^2 is (I - 2 u u^T) / |z - a|^2, u the direction: a reflection.
  for (const DType dtype : {DType::float32, DType::float64}) {
    const Tensor differences = uniform({1, Stream::test, 0, 0}, 0.5, 2.5, 1000, 3, dtype);
    const Dual z = seeded(Variable(differences));
    const Variable squares = reshape(sum(square(z.primal), 1), {1000, 1});
    const Variable along = reshape(sum(z.tangents * z.primal, 2), {3, 1000, 1});
    const Variable tangents = z.tangents / squares - 2 * along * z.primal / square(squares);
    for (const double value : c_ima(tangents).value().to_vector<double>()) {
      ASSERT_NEAR(value, 0, conformal_limit(dtype));
    }
  }
}

TEST(CIma, IsThatOfTheMetrics) {
  for (const Index n : {1, 2, 3, 4, 7}) {
    for (unsigned seed = 0; seed < 50; ++seed) {
      const std::vector<double> jacobian = random_matrix(n, seed);
      const double expected = elbow::c_ima(jacobian, n).value();
      EXPECT_NEAR(c_ima_of(jacobian, n, DType::float64), expected, 1e-12 * (1 + expected))
          << n << ", " << seed;
    }
  }
}

TEST(CIma, AFloatJacobianWhoseTermsCancelIsDoneInDouble) {
  for (const double angle : {1e-4, 1e-5, 1e-6}) {
    const float close = static_cast<float>(angle);
    const double exact = -std::log(close / std::sqrt(1 + static_cast<double>(close) * close));
    EXPECT_EQ(c_ima_of({1, 1, 0, close}, 2, DType::float32), static_cast<float>(exact)) << angle;
  }
}

TEST(CIma, WhatHasNoneSaysSo) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  for (const DType dtype : {DType::float32, DType::float64}) {
    EXPECT_EQ(c_ima_of({1, 2, 2, 4}, 2, dtype), infinity);
    EXPECT_TRUE(std::isnan(c_ima_of({1, 1, 0, 0, 1, 0, 1, 1, 0}, 3, dtype)));  // a column of zeros
    for (const double bad : {infinity, -infinity, std::numeric_limits<double>::quiet_NaN()}) {
      for (int place = 0; place < 9; ++place) {
        std::vector<double> jacobian = random_matrix(3, 1);
        jacobian[place] = bad;
        EXPECT_TRUE(std::isnan(c_ima_of(jacobian, 3, dtype))) << place;
      }
    }
  }
}

TEST(CIma, RefusesWhatAreNoTangents) {
  const auto refusal = [](const Shape& shape) {
    return thrown<UsageError>([&] { c_ima(Variable(Tensor::zeros(shape, DType::float32))); });
  };
  EXPECT_EQ(refusal({3, 5, 2}), "[c_ima] expected tangents (d, batch, D) with 1 <= d <= D, got (3, 5, 2)");
  EXPECT_EQ(refusal({3, 3}), "[c_ima] expected tangents (d, batch, D) with 1 <= d <= D, got (3, 3)");
  EXPECT_EQ(refusal({0, 5, 2}), "[c_ima] expected tangents (d, batch, D) with 1 <= d <= D, got (0, 5, 2)");
}

TEST(CIma, CanBeTrainedThrough) {
  // The gradient with respect to the parameters of a layer, whose Jacobian they are, goes down to orthogonal columns.
  Tensor weight = Tensor::from(random_matrix(3, 3), {3, 3});
  const Variable z(Tensor::zeros({4, 3}, DType::float64)), bias(Tensor::zeros({3}, DType::float64));
  double value = 0;
  for (int step = 0; step < 2000; ++step) {
    const Variable w(weight, true);
    const Variable loss = mean(c_ima(linear(seeded(z), w, bias).tangents));
    value = loss.value().to_vector<double>().front();
    weight = (Variable(weight) - 0.05 * gradients(loss, {w}).front()).value();
  }
  EXPECT_NEAR(value, 0, 1e-10);
}

template <class T>
std::vector<T> results_of(Index n, Index batch) {
  std::mt19937 engine(7);
  std::normal_distribution<double> normal;
  std::vector<T> tangents(n * n * batch), value(batch), gradient(tangents.size());
  for (T& x : tangents) x = static_cast<T>(normal(engine));
  const auto run = kernels::cpu::backend().kernels.entry<kernels::CIma<T>>();
  run({batch, n, tangents.data(), value.data(), gradient.data()});
  std::vector<T> alone(batch);
  run({batch, n, tangents.data(), alone.data(), nullptr});
  EXPECT_EQ(0, std::memcmp(alone.data(), value.data(), value.size() * sizeof(T)));
  value.insert(value.end(), gradient.begin(), gradient.end());
  return value;
}

template <class T>
void expect_every_instruction_set_alike() {
  const std::int64_t supported = hwy::SupportedTargets();
  for (Index n = kernels::c_ima_smallest; n <= kernels::c_ima_largest; ++n) {
    std::vector<T> first;
    for (const std::int64_t target : {HWY_SCALAR, HWY_NEON, HWY_AVX2, HWY_AVX3}) {
      if (target != HWY_SCALAR && (supported & target) == 0) continue;
      hwy::SetSupportedTargetsForTest(target);
      hwy::GetChosenTarget().Update(hwy::SupportedTargets());
      const std::vector<T> found = results_of<T>(n, 307);
      if (first.empty()) first = found;
      EXPECT_EQ(0, std::memcmp(found.data(), first.data(), first.size() * sizeof(T)))
          << hwy::TargetName(target) << ", n " << n;
    }
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

TEST(CIma, EveryInstructionSetGivesTheSameBits) {
  expect_every_instruction_set_alike<float>();
  expect_every_instruction_set_alike<double>();
}

}  // namespace
}  // namespace elbow::test
