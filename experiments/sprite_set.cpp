#include "experiments/sprite_set.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>

#include "engine/files.h"
#include "engine/workers.h"
#include "kernels/error.h"

namespace elbow {
namespace {

/// A factor is low + width b.
struct Factor {
  const char* name;
  double low, width;
};

constexpr double position_low = 0.2, position_width = 0.55;
constexpr auto all_factors = std::to_array<Factor>({{"x", position_low, position_width},
                                                    {"y", position_low, position_width},
                                                    {"scale", 0.11, 0.09},
                                                    {"hue", 0, 1},
                                                    {"angle", 0, 360}});

std::span<const Factor> factors_of(const SpriteSettings& settings) {
  return std::span(all_factors).first(settings.angle ? all_factors.size() : all_factors.size() - 1);
}

/// `factors` in the order of all_factors.
Sprite sprite_of(const SpriteSettings& settings, std::span<const double> factors) {
  const Point at = distorted(settings.distortion, {factors[0], factors[1]});
  return {settings.shape, at.x, at.y, factors[2], factors[3], settings.angle ? factors[4] : 0};
}

}  // namespace

std::string_view name(Distortion distortion) {
  return distortion_names[static_cast<std::size_t>(distortion)];
}

Distortion sprite_distortion(std::string_view name) {
  const auto found = std::find(distortion_names.begin(), distortion_names.end(), name);
  if (found == distortion_names.end()) {
    throw UsageError(fmt::format("[sprites] expected a distortion of {}, got {}",
                                 fmt::join(distortion_names, ", "), in_quotes(name)));
  }
  return static_cast<Distortion>(found - distortion_names.begin());
}

Point distorted(Distortion distortion, Point position) {
  if (distortion == Distortion::none) return position;
  constexpr double centre = position_low + position_width / 2;
  const double u = (position.x - centre) / position_width, v = (position.y - centre) / position_width;
  const double divisor = distortion == Distortion::projective ? 1 + (u - v) / 2 : 1;
  return {centre + position_width * (2 * u + v) / (3 * divisor),
          centre + position_width * (u + 2 * v) / (3 * divisor)};
}

void verify(const SpriteSettings& settings) {
  constexpr Index pool = 16, largest = 1024;
  constexpr Index most = std::numeric_limits<std::uint32_t>::max();
  if (settings.size < pool || settings.size > largest || settings.size % pool != 0) {
    throw UsageError(fmt::format("[sprites] expected pictures of a multiple of {} pixels up to {}, got {}",
                                 pool, largest, settings.size));
  }
  if (settings.samples < 1 || settings.samples > most) {
    throw UsageError(fmt::format("[sprites] expected 1 to {} samples, got {}", most, settings.samples));
  }
}

std::vector<std::string> factor_names(const SpriteSettings& settings) {
  std::vector<std::string> names;
  for (const Factor& factor : factors_of(settings)) names.emplace_back(factor.name);
  return names;
}

std::vector<BetaShape> beta_shapes(const SpriteSettings& settings) {
  const auto factors = static_cast<Index>(factors_of(settings).size());
  const std::vector<double> drawn =
      uniform({settings.seed, Stream::mixing}, 2, 15, factors, 2, DType::float64).to_vector<double>();
  std::vector<BetaShape> shapes;
  for (std::size_t i = 0; i < drawn.size(); i += 2) shapes.push_back({drawn[i], drawn[i + 1]});
  return shapes;
}

std::vector<double> sprite_factors(const SpriteSettings& settings) {
  const std::span<const Factor> factors = factors_of(settings);
  const std::vector<BetaShape> shapes = beta_shapes(settings);
  std::vector<double> values;
  values.reserve(static_cast<std::size_t>(settings.samples) * factors.size());
  for (Index sample = 0; sample < settings.samples; ++sample) {
    for (std::uint32_t i = 0; i < factors.size(); ++i) {
      const Draw draw{settings.seed, Stream::sources, i, static_cast<std::uint32_t>(sample)};
      values.push_back(factors[i].low + factors[i].width * beta_variate(shapes[i], draw));
    }
  }
  return values;
}

void render_sprites(const SpriteSettings& settings, std::span<const double> factors, int threads,
                    std::uint8_t* pictures) {
  const SpriteRenderer renderer(static_cast<int>(settings.size));
  const std::size_t columns = factors_of(settings).size();
  const std::size_t rows = factors.size() / columns;
  Workers workers(std::max(threads, 1));
  const auto parts = static_cast<std::size_t>(workers.threads());
  workers.run(workers.threads(), [&](Index part) {
    const auto own = static_cast<std::size_t>(part);
    for (std::size_t row = rows * own / parts; row < rows * (own + 1) / parts; ++row) {
      const Sprite sprite = sprite_of(settings, factors.subspan(row * columns, columns));
      renderer.render(sprite, pictures + row * renderer.bytes());
    }
  });
}

ImageSet render_sprites(const SpriteSettings& settings, int threads) {
  verify(settings);
  ImageSet set{settings.samples, settings.size,          settings.size,           3,
               nullptr,          factor_names(settings), sprite_factors(settings)};
  const auto pictures =
      std::make_shared<std::vector<std::uint8_t>>(static_cast<std::size_t>(set.samples * set.bytes()));
  render_sprites(settings, set.factors, threads, pictures->data());
  set.images = {pictures, pictures->data()};
  return set;
}

}  // namespace elbow
