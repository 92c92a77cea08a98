#include "experiments/gaussian_rule.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "kernels/error.h"

namespace elbow {
namespace {

constexpr double epsilon = std::numeric_limits<double>::epsilon();

/// E xi^power of N(0, 1): (power - 1)!! for even powers.
double moment(int power) {
  double value = power % 2 == 0 ? 1 : 0;
  for (int k = power - 1; k > 1 && power % 2 == 0; k -= 2) value *= k;
  return value;
}

/// Sum of weights times xi_1^a xi_2^b, and of its absolute terms.
std::pair<double, double> sums(const GaussianRule& rule, int a, int b) {
  double sum = 0, size = 0;
  for (Index i = 0; i < rule.points(); ++i) {
    double term = rule.weights[i] * std::pow(rule.nodes[i * rule.dim], a);
    if (rule.dim > 1) term *= std::pow(rule.nodes[i * rule.dim + 1], b);
    sum += term;
    size += std::abs(term);
  }
  return {sum, size};
}

TEST(GaussHermite, IntegratesPolynomialsExactly) {
  for (Index points = 1; points <= 20; ++points) {
    const GaussianRule rule = gauss_hermite(points);
    ASSERT_EQ(rule.points(), points);
    for (int power = 0; power < 2 * points; ++power) {
      const auto [sum, size] = sums(rule, power, 0);
      // Nodes are known to an eps, which a power multiplies by its exponent; weights to one per term of theirs.
      EXPECT_NEAR(sum, moment(power), (10.0 * power + 4.0 * points) * epsilon * size)
          << points << " points, power " << power;
    }
    // The first power that is not integrated exactly misses points!, the squared norm of the monic polynomial.
    const int power = 2 * static_cast<int>(points);
    const auto [sum, size] = sums(rule, power, 0);
    EXPECT_NEAR(moment(power) - sum, std::tgamma(points + 1.0), 20.0 * power * epsilon * size) << points;
  }
}

TEST(GaussHermite, HasTheKnownNodes) {
  EXPECT_EQ(gauss_hermite(1).nodes, std::vector<double>{0});
  EXPECT_EQ(gauss_hermite(1).weights, std::vector<double>{1});
  const GaussianRule three = gauss_hermite(3);
  EXPECT_NEAR(three.nodes[0], -std::sqrt(3), 4 * epsilon);
  EXPECT_NEAR(three.nodes[1], 0, 4 * epsilon);
  EXPECT_NEAR(three.nodes[2], std::sqrt(3), 4 * epsilon);
  EXPECT_NEAR(three.weights[0], 1.0 / 6, 4 * epsilon);
  EXPECT_NEAR(three.weights[1], 2.0 / 3, 4 * epsilon);
  EXPECT_THROW(gauss_hermite(0), UsageError);
}

TEST(GaussHermite, ConvergesOnASmoothFunction) {
  const GaussianRule rule = gauss_hermite(20);
  double sum = 0;
  for (Index i = 0; i < rule.points(); ++i) sum += rule.weights[i] * std::cos(rule.nodes[i]);
  EXPECT_NEAR(sum, std::exp(-0.5), 100 * epsilon);
}

TEST(TensorProduct, IntegratesEachAxis) {
  const GaussianRule rule = tensor_product(gauss_hermite(4), 3);
  EXPECT_EQ(rule.points(), 64);
  EXPECT_EQ(rule.nodes.size(), 192u);
  for (int a = 0; a < 8; ++a) {
    for (int b = 0; b < 8; ++b) {
      const auto [sum, size] = sums(rule, a, b);
      EXPECT_NEAR(sum, moment(a) * moment(b), 100 * epsilon * size) << a << " " << b;
    }
  }
}

TEST(RandomFrames, HaveTheMomentsOfANormalVector) {
  const Index dim = 5, frames = 3;
  const GaussianRule rule = random_frames(7, dim, frames);
  ASSERT_EQ(rule.points(), 4 * dim * frames);
  for (int a = 0; a <= 3; ++a) {
    for (int b = 0; a + b <= 3; ++b) {
      EXPECT_NEAR(sums(rule, a, b).first, moment(a) * moment(b), 1000 * epsilon) << a << " " << b;
    }
  }
  double fourth = 0;
  for (Index i = 0; i < rule.points(); ++i) {
    double square = 0;
    for (Index k = 0; k < dim; ++k) square += std::pow(rule.nodes[i * dim + k], 2);
    fourth += rule.weights[i] * square * square;
  }
  EXPECT_NEAR(fourth, dim * (dim + 2.0), 1000 * epsilon);
  EXPECT_EQ(random_frames(7, dim, frames).nodes, rule.nodes);
}

TEST(GaussianRule, StaysSmallInEveryDimension) {
  EXPECT_EQ(gaussian_rule(3).points(), 343);
  for (Index dim : {1, 2, 4, 5, 8, 33}) {
    EXPECT_LE(gaussian_rule(dim).points(), 2401) << dim;
    EXPECT_EQ(gaussian_rule(dim).dim, dim);
  }
}

}  // namespace
}  // namespace elbow
