#include "experiments/sprite_renderer.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace elbow {
namespace {

/// Red, green and blue of a hue at full saturation and value: one of them 1, one 0, one between.
std::array<std::uint8_t, 3> colour(double hue) {
  const int sixth = static_cast<int>(hue * 6);
  const double fraction = hue * 6 - sixth;
  const auto falling = static_cast<std::uint8_t>(255 * (1 - fraction));
  const auto rising = static_cast<std::uint8_t>(255 * (1 - (1 - fraction)));
  switch (sixth % 6) {
    case 0:
      return {255, rising, 0};
    case 1:
      return {falling, 255, 0};
    case 2:
      return {0, 255, rising};
    case 3:
      return {0, falling, 255};
    case 4:
      return {rising, 0, 255};
    default:
      return {255, 0, falling};
  }
}

/// Corners on a canvas of that many pixels, cut to whole ones.
std::vector<Pixel> corners_on(int canvas, const Sprite& sprite) {
  const double radians = sprite.angle * (std::numbers::pi / 180);
  const double cosine = std::cos(radians) * sprite.scale, sine = std::sin(radians) * sprite.scale;
  std::vector<Pixel> corners;
  for (const Point& corner : outline(sprite.shape)) {
    const double x = cosine * corner.x - sine * corner.y + sprite.x;
    const double y = sine * corner.x + cosine * corner.y + sprite.y;
    corners.push_back({static_cast<int>(canvas * x), static_cast<int>(canvas * y)});
  }
  return corners;
}

}  // namespace

void SpriteRenderer::render(const Sprite& sprite, std::uint8_t* picture) const {
  std::fill_n(picture, bytes(), std::uint8_t{0});
  const std::vector<PixelRun> runs = fill_polygon(corners_on(lanczos_.canvas(), sprite), lanczos_.canvas());
  const std::array<std::uint8_t, 3> channels = colour(sprite.hue);
  // The filter's roundings are of bytes, so each value that a channel has goes through it on its own.
  Patch patch;
  for (std::size_t channel = 0; channel < channels.size(); ++channel) {
    const std::uint8_t value = channels[channel];
    if (value == 0) continue;
    patch = lanczos_.reduce(runs, value);
    for (int row = 0; row < patch.height; ++row) {
      // The canvas was drawn with y downwards.
      const int flipped = size() - 1 - (patch.top + row);
      std::uint8_t* pixel = picture + 3 * (flipped * size() + patch.left) + channel;
      const std::uint8_t* const bytes = patch.bytes.data() + row * patch.width;
      for (int column = 0; column < patch.width; ++column, pixel += 3) *pixel = bytes[column];
    }
  }
}

}  // namespace elbow
