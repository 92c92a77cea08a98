#include "experiments/moebius_map.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "engine/forward_mode.h"
#include "engine/ops.h"
#include "engine/random.h"
#include "experiments/metrics.h"

namespace elbow {
namespace {

// What of a seed's mixing a random number is for.
enum Part : std::uint32_t { rotation, pole, linear };

constexpr double half_width = 0.5;  // of the cube of the sources

/// |z - a|^2 per sample, (samples).
Variable square_distance(const Variable& z, const Tensor& pole) { return sum(square(z - Variable(pole)), 1); }

/// x less its mean over the samples.
Variable centred(const Variable& x) {
  const Index samples = x.shape()[0];
  return x - reshape(sum(x, 0), {1, x.shape()[1]}) / static_cast<double>(samples);
}

void expect_pole_outside(const MoebiusMap& map) {
  const std::vector<double> pole = map.pole.to_vector<double>();
  const bool inside =
      std::all_of(pole.begin(), pole.end(), [](double a) { return std::abs(a) <= half_width; });
  if (inside) {
    throw UsageError(
        fmt::format("[moebius_data] expected a pole outside of the sources' cube, (-1/2, 1/2) in each of {} "
                    "dimensions, got ({}); take one with abs(a_i) > 1/2",
                    pole.size(), fmt::join(pole, ", ")));
  }
}

}  // namespace

Variable MoebiusMap::operator()(const Variable& z) const {
  const Variable from_pole = z - Variable(pole);
  const Variable inverted = from_pole / reshape(square_distance(z, pole), {z.shape()[0], 1});
  return matmul(inverted, transpose(Variable(rotation)));
}

Tensor MoebiusMap::jacobian(const Tensor& sources) const {
  const NoGradient off;
  const Variable z(sources);
  const Index samples = z.shape()[0], dim = z.shape()[1];
  const Variable distance = reshape(square_distance(z, pole), {samples, 1});
  const Variable direction = (z - Variable(pole)) / square_root(distance);
  const Variable outer = matmul(reshape(direction, {samples, dim, 1}), reshape(direction, {samples, 1, dim}));
  const Variable mirror = jacobians(seeded(z).tangents) - 2 * outer;
  return matmul(Variable(rotation), mirror / reshape(distance, {samples, 1, 1})).value();
}

MoebiusMap random_moebius(std::uint64_t seed, Index dim) {
  std::vector<double> pole(static_cast<std::size_t>(dim), 0);
  const auto waiting = [](double a) { return std::abs(a) <= half_width; };
  for (std::uint32_t attempt = 0; std::any_of(pole.begin(), pole.end(), waiting); ++attempt) {
    const auto drawn =
        normal({seed, Stream::mixing, Part::pole, attempt}, 1, dim, DType::float64).to_vector<double>();
    for (std::size_t i = 0; i < pole.size(); ++i) {
      if (waiting(pole[i])) pole[i] = drawn[i];
    }
  }
  return {random_orthogonal(seed, Part::rotation, dim), Tensor::from(pole, {1, dim})};
}

MoebiusMap authors_moebius() {
  const std::vector<double> rotation = {-0.8952980622220605,  -0.07969352563354992, -0.4382810990146826,
                                        -0.33718465539720005, 0.7641959729595551,   0.5498281759577892,
                                        -0.2911149050565686,  -0.6400417618284708,  0.7110546077267281};
  const std::vector<double> pole = {1.74481176421648, -0.7612069008951028, 1.462107937044974};
  return {Tensor::from(rotation, {3, 3}), Tensor::from(pole, {1, 3})};
}

Tensor random_unimodular(std::uint64_t seed, Index dim) {
  std::vector<double> matrix =
      uniform({seed, Stream::mixing, Part::linear}, 0, 1, dim, dim, DType::float64).to_vector<double>();
  const double scale = std::exp(-log_abs_det(matrix, dim) / static_cast<double>(dim));
  for (double& entry : matrix) entry *= scale;
  return Tensor::from(matrix, {dim, dim});
}

Tensor columns_at_angle(double cosine) {
  const double sine = std::sqrt((1 - cosine) * (1 + cosine));
  const double length = 1 / std::sqrt(sine);
  return Tensor::from(std::vector<double>{length, length * cosine, 0, length * sine}, {2, 2});
}

MixedData moebius_data(const MoebiusMap& map, std::uint64_t seed, Index samples) {
  expect_pole_outside(map);
  const NoGradient off;
  const Index dim = map.pole.shape()[1];
  const Variable z(uniform({seed, Stream::sources}, -half_width, half_width, samples, dim, DType::float64));
  const Variable distance = square_distance(z, map.pole);
  const std::vector<double> distances = distance.value().to_vector<double>();
  const auto [nearest, farthest] = std::minmax_element(distances.begin(), distances.end());
  // log p0(z) = 0, and each of the dim singular values of J is 1 / |z - a|^2.
  const Variable log_density = static_cast<double>(dim) * logarithm(distance);
  return {z.value(),
          centred(map(z)).value(),
          log_density.value().to_vector<double>(),
          [map](const Tensor& sources) { return map.jacobian(sources); },
          {{"stretch", *farthest / *nearest}}};
}

MixedData moebius_data(const MoebiusMap& map, const Tensor& linear, std::uint64_t seed, Index samples) {
  const NoGradient off;
  const Index dim = map.pole.shape()[1];
  MixedData data = moebius_data(map, seed, samples);
  data.observations = matmul(Variable(data.observations), transpose(Variable(linear))).value();
  data.jacobian = [map, linear](const Tensor& sources) {
    const NoGradient without;
    return matmul(Variable(linear), Variable(map.jacobian(sources))).value();
  };
  const std::vector<double> matrix = linear.to_vector<double>();
  const double log_volume = log_abs_det(matrix, dim);
  for (double& log_density : data.log_density) log_density -= log_volume;
  data.properties.emplace_back("map_c_ima", c_ima(matrix, dim).value());
  return data;
}

}  // namespace elbow
