// The mixings of Fig. 2: their Jacobians and densities belong together.
#include "experiments/mixing.h"

#include <gtest/gtest.h>

#include <cmath>

#include "experiments/metrics.h"
#include "kernels/math.h"

namespace elbow {
namespace {

constexpr Index samples = 50, dim = 3;

std::vector<double> jacobian_of(const MixedData& data, Index sample) {
  const std::vector<double> all = data.jacobian(data.sources).to_vector<double>();
  const auto first = all.begin() + sample * dim * dim;
  return {first, first + dim * dim};
}

TEST(Mixing, DensityIsThatOfTheJacobian) {
  for (const Mixing mixing : {Mixing::orthogonal_layers, Mixing::rotation}) {
    const MixedData data = mixed_data(mixing, 1, samples, dim);
    const std::vector<double> z = data.sources.to_vector<double>();
    for (Index i = 0; i < samples; ++i) {
      double log_prior = -0.5 * dim * math::log_two_pi;
      for (Index k = 0; k < dim; ++k) log_prior -= 0.5 * z[i * dim + k] * z[i * dim + k];
      EXPECT_NEAR(data.log_density[i], log_prior - log_abs_det(jacobian_of(data, i), dim), 1e-13);
    }
  }
}

// x = Q z has the Jacobian Q; that of the layers changes with z, by bends of slope 0.2 to 1 each.
TEST(Mixing, JacobiansAreThoseOfTheLayers) {
  const MixedData linear = mixed_data(Mixing::rotation, 1, samples, dim);
  const std::vector<double> q = random_orthogonal(1, 0, dim).to_vector<double>();
  for (Index i = 0; i < samples; ++i) EXPECT_EQ(jacobian_of(linear, i), q);

  const MixedData bent = mixed_data(Mixing::orthogonal_layers, 1, samples, dim);
  EXPECT_NE(jacobian_of(bent, 0), jacobian_of(bent, 1));
  for (Index i = 0; i < samples; ++i) {
    for (const double norm : column_norms(jacobian_of(bent, i), dim, dim)) {
      EXPECT_GE(norm, std::pow(0.2, 3));
      EXPECT_LE(norm, 1 + 1e-12);
    }
  }
}

}  // namespace
}  // namespace elbow
