#include "experiments/sprite_set.h"

#include <algorithm>
#include <cmath>

#include "engine/random.h"
#include "kernels/philox.h"

namespace elbow {
namespace {

/// A Gamma(shape, 1) variate, shape >= 1; `which` tells variates of one sample apart.
double gamma_variate(std::uint64_t seed, std::uint32_t which, std::uint32_t sample, double shape) {
  const double d = shape - 1.0 / 3, c = 1 / std::sqrt(9 * d);
  for (std::uint32_t attempt = 0;; ++attempt) {
    const auto stream = static_cast<std::uint32_t>(Stream::sources);
    const kernels::PhiloxBlock block = kernels::philox(seed, stream, which, sample, attempt);
    double x, other;
    kernels::normal_pair(block.word[0], block.word[1], x, other);
    const double v = std::pow(1 + c * x, 3);
    if (v <= 0) continue;
    const double u = kernels::uniform_from<double>(block.word[2]);
    if (std::log(u) < 0.5 * x * x + d - d * v + d * std::log(v)) return d * v;
  }
}

constexpr double middle = 0.2 + 0.55 / 2;  // of the positions

Point distorted(Distortion distortion, Point p) {
  const double y = p.y - middle;
  if (distortion == Distortion::affine) return {p.x + 0.3 * y, p.y};
  if (distortion == Distortion::projective) {
    const double depth = 1 + 0.8 * y;
    return {middle + (p.x - middle) / depth, middle + y / depth};
  }
  return p;
}

}  // namespace

double beta_variate(std::uint64_t seed, std::uint32_t factor, std::uint32_t sample, double alpha,
                    double beta) {
  const double a = gamma_variate(seed, 2 * factor, sample, alpha);
  const double b = gamma_variate(seed, 2 * factor + 1, sample, beta);
  return a / (a + b);
}

std::vector<double> beta_parameters(std::uint64_t seed, Index factors) {
  return uniform({seed, Stream::mixing}, 2, 15, factors, 2, DType::float64).to_vector<double>();
}

Sprite sprite_of(const double* factors, const SpriteSetConfig& config) {
  const Point shown = distorted(config.distortion, {0.2 + 0.55 * factors[0], 0.2 + 0.55 * factors[1]});
  return {shown.x, shown.y, 0.11 + 0.09 * factors[2], factors[3], config.turns ? 360 * factors[4] : 0};
}

SpriteSet sprite_set(std::uint64_t seed, Index samples, const SpriteSetConfig& config, Workers& workers) {
  SpriteSet set;
  set.names = {"x", "y", "scale", "hue"};
  if (config.turns) set.names.emplace_back("angle");
  const auto factors = static_cast<Index>(set.names.size());
  const Index pixels = config.size * config.size * 3;
  set.images = Tensor({samples, pixels}, DType::uint8);
  set.factors.resize(static_cast<std::size_t>(samples * factors));
  const std::vector<double> parameters = beta_parameters(seed, factors);
  const std::vector<Point> outline = sprite_outline(config.shape);
  constexpr Index piece = 256;
  workers.run((samples + piece - 1) / piece, [&](Index i) {
    for (Index s = i * piece; s < std::min((i + 1) * piece, samples); ++s) {
      double* const own = set.factors.data() + s * factors;
      for (Index k = 0; k < factors; ++k) {
        own[k] = beta_variate(seed, static_cast<std::uint32_t>(k), static_cast<std::uint32_t>(s),
                              parameters[2 * k], parameters[2 * k + 1]);
      }
      draw_sprite(outline, sprite_of(own, config), config.size, set.images.data<std::uint8_t>() + s * pixels);
    }
  });
  return set;
}

}  // namespace elbow
