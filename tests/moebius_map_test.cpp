#include "experiments/moebius_map.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/ops.h"
#include "engine/random.h"
#include "experiments/metrics.h"
#include "kernels/error.h"

namespace elbow {
namespace {

constexpr double epsilon = std::numeric_limits<double>::epsilon();

Tensor sources(Index samples, Index dim) {
  return uniform({5, Stream::test}, -0.5, 0.5, samples, dim, DType::float64);
}

/// (samples, dim, dim) Jacobians of the map, by central differences of step h.
std::vector<double> differences(const MoebiusMap& map, const Tensor& z, double h) {
  const Index samples = z.shape()[0], dim = z.shape()[1];
  std::vector<double> jacobians(static_cast<std::size_t>(samples * dim * dim));
  for (Index k = 0; k < dim; ++k) {
    const auto moved = [&](double step) {
      std::vector<double> values = z.to_vector<double>();
      for (std::size_t i = static_cast<std::size_t>(k); i < values.size(); i += static_cast<std::size_t>(dim))
        values[i] += step;
      return map(Variable(Tensor::from(values, z.shape()))).value().to_vector<double>();
    };
    const std::vector<double> up = moved(h), down = moved(-h);
    for (Index i = 0; i < samples * dim; ++i) {
      const auto at = static_cast<std::size_t>(i);
      jacobians[static_cast<std::size_t>(i * dim + k)] = (up[at] - down[at]) / (2 * h);
    }
  }
  return jacobians;
}

/// The same without a step, row by row off the tape.
std::vector<double> derivatives(const MoebiusMap& map, const Tensor& at) {
  const Index samples = at.shape()[0], dim = at.shape()[1];
  const Variable z(at, true);
  const Variable x = map(z);
  std::vector<double> jacobians(static_cast<std::size_t>(samples * dim * dim));
  for (Index row = 0; row < dim; ++row) {
    const std::vector<double> slopes =
        gradients(sum(slice(x, 1, row, 1)), {z})[0].value().to_vector<double>();
    for (Index sample = 0; sample < samples; ++sample) {
      for (Index k = 0; k < dim; ++k) {
        jacobians[static_cast<std::size_t>((sample * dim + row) * dim + k)] =
            slopes[static_cast<std::size_t>(sample * dim + k)];
      }
    }
  }
  return jacobians;
}

TEST(MoebiusMap, IsConformal) {
  for (Index dim : {2, 3, 5}) {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
      const auto jacobians = derivatives(random_moebius(seed, dim), sources(257, dim));
      EXPECT_LT(std::abs(mean_c_ima(jacobians, dim).value()), 1e-13) << "seed " << seed << ", dim " << dim;
    }
  }
  EXPECT_LT(std::abs(mean_c_ima(derivatives(authors_moebius(), sources(257, 3)), 3).value()), 1e-13);
}

TEST(MoebiusMap, DrawsARotationAndADistantPole) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    const MoebiusMap map = random_moebius(seed, 3);
    for (double a : map.pole.to_vector<double>()) EXPECT_GT(std::abs(a), 0.5) << "seed " << seed;
    EXPECT_NEAR(log_abs_det(map.rotation.to_vector<double>(), 3), 0, 27 * epsilon);
  }
}

/// log p(x) at the data's own sources is -log abs det J; the differences' error is h^2 times a third derivative.
void expect_density(const MixedData& data, const MoebiusMap& map, double log_volume) {
  const Index samples = data.sources.shape()[0], dim = data.sources.shape()[1];
  const auto jacobians = differences(map, data.sources, 1e-5);
  const auto size = static_cast<std::size_t>(dim * dim);
  for (Index i = 0; i < samples; ++i) {
    const auto first = jacobians.begin() + static_cast<std::ptrdiff_t>(i * dim * dim);
    const std::vector<double> jacobian(first, first + static_cast<std::ptrdiff_t>(size));
    EXPECT_NEAR(data.log_density[static_cast<std::size_t>(i)], -log_abs_det(jacobian, dim) - log_volume,
                1e-7);
  }
}

TEST(MoebiusData, HasTheJacobianOfTheWholeMap) {
  const MoebiusMap map = random_moebius(3, 3);
  const MixedData data =
      moebius_data(map, Tensor::from(std::vector<double>{2, 0, 0, 0, 3, 0, 0, 0, 5}, {3, 3}), 3, 20);
  const auto expected = differences(map, data.sources, 1e-5),
             found = data.jacobian(data.sources).to_vector<double>();
  const double factor[] = {2, 3, 5};  // of the rows
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_NEAR(found[i], factor[i / 3 % 3] * expected[i], 1e-7);
  }
}

TEST(MoebiusData, DensityIsThatOfTheJacobian) {
  const MoebiusMap map = random_moebius(3, 3);
  expect_density(moebius_data(map, 3, 100), map, 0);
  const Tensor doubling = Tensor::from(std::vector<double>{2, 0, 0, 1, 2, 0, 0, 1, 2}, {3, 3});
  expect_density(moebius_data(map, doubling, 3, 100), map, std::log(8.0));
  expect_density(moebius_data(map, random_unimodular(3, 3), 3, 100), map, 0);
}

TEST(MoebiusData, SourcesFillTheCubeAndObservationsHaveNoMean) {
  const Index samples = 4096;
  const MixedData data = moebius_data(authors_moebius(), 1, samples);
  const std::vector<double> z = data.sources.to_vector<double>(), x = data.observations.to_vector<double>();
  const auto [least, most] = std::minmax_element(z.begin(), z.end());
  EXPECT_GT(*least, -0.5);
  EXPECT_LT(*least, -0.499);
  EXPECT_LT(*most, 0.5);
  EXPECT_GT(*most, 0.499);
  for (std::size_t k = 0; k < 3; ++k) {
    double sum = 0, absolute = 0;
    for (std::size_t i = k; i < x.size(); i += 3) {
      sum += x[i];
      absolute += std::abs(x[i]);
    }
    EXPECT_NEAR(sum, 0, 4 * epsilon * static_cast<double>(samples) * (absolute + 1));
  }
}

TEST(MoebiusData, StretchIsOfTheDistancesToThePole) {
  const MoebiusMap map{Tensor::from(std::vector<double>{1}, {1, 1}),
                       Tensor::from(std::vector<double>{1.5}, {1, 1})};
  const MixedData data = moebius_data(map, 1, 20000);
  ASSERT_EQ(data.properties.size(), 1u);
  EXPECT_EQ(data.properties[0].first, "stretch");
  EXPECT_NEAR(data.properties[0].second, 4, 0.01);  // distances 1 to 2
}

TEST(MoebiusData, RefusesAPoleAmongTheSources) {
  MoebiusMap map = random_moebius(1, 3);
  map.pole = Tensor::from(std::vector<double>{0.1, -0.5, 0.2}, {1, 3});
  try {
    moebius_data(map, 1, 100);
    ADD_FAILURE() << "no error";
  } catch (const UsageError& error) {
    EXPECT_NE(std::string(error.what()).find("got (0.1, -0.5, 0.2)"), std::string::npos) << error.what();
  }
  map.pole = Tensor::from(std::vector<double>{0.1, -0.6, 0.2}, {1, 3});
  EXPECT_NO_THROW(moebius_data(map, 1, 100));
}

TEST(LinearMaps, KeepVolumesAndSayTheirCIma) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    const std::vector<double> matrix = random_unimodular(seed, 3).to_vector<double>();
    // The scale's rounding, and the determinant's: norms over abs det are exp(c_IMA).
    EXPECT_NEAR(log_abs_det(matrix, 3), 0, 100 * epsilon * std::exp(c_ima(matrix, 3).value()));
    EXPECT_GT(*std::min_element(matrix.begin(), matrix.end()), 0);
  }
  const MixedData data = moebius_data(random_moebius(1, 2), columns_at_angle(0.5), 1, 100);
  EXPECT_EQ(data.properties.back().first, "map_c_ima");
  EXPECT_NEAR(data.properties.back().second, -0.5 * std::log(0.75), 8 * epsilon);
}

TEST(LinearMaps, ColumnsMeetAtTheAngle) {
  for (double cosine : {0.0, 0.2, 0.95, 0.999}) {
    const std::vector<double> m = columns_at_angle(cosine).to_vector<double>();
    const double first = m[0] * m[0] + m[2] * m[2], second = m[1] * m[1] + m[3] * m[3];
    EXPECT_NEAR(first, second, 8 * epsilon * first);
    EXPECT_NEAR((m[0] * m[1] + m[2] * m[3]) / first, cosine, 8 * epsilon);
    EXPECT_NEAR(m[0] * m[3] - m[1] * m[2], 1, 8 * epsilon);
  }
}

}  // namespace
}  // namespace elbow
