#pragma once
// Pictures of one sprite on black: byte for byte those of Spriteworld's PILRenderer with anti_aliasing = 5
// and colours in HSV, of Pillow 13.
#include <cstdint>

#include "experiments/lanczos.h"
#include "experiments/sprite_shapes.h"

namespace elbow {

struct Sprite {
  SpriteShape shape = SpriteShape::triangle;
  double x = 0.5;  ///< of the centre, 0 to 1 from left to right; a sprite may be cut by the picture's edge
  double y = 0.5;  ///< 0 to 1 from bottom to top
  double scale = 0.1;  ///< square root of the area, in widths of the picture, > 0
  double hue = 0;      ///< 0 to 1, red to red; saturation and value are 1
  double angle = 0;    ///< degrees, counter-clockwise
};

class SpriteRenderer {
 public:
  /// Of pictures of size x size pixels, size >= 1. Threads may share a renderer.
  explicit SpriteRenderer(int size) : lanczos_(size, canvas_factor) {}

  int size() const { return lanczos_.size(); }
  /// 3 size^2: red, green, blue of a pixel together, rows from top to bottom.
  std::size_t bytes() const { return std::size_t{3} * static_cast<std::size_t>(size() * size()); }

  /// Overwrites bytes() bytes. Drawn as a polygon on a canvas 5 times as wide, whose corners are pixels, then
  /// made smaller.
  void render(const Sprite& sprite, std::uint8_t* picture) const;

 private:
  static constexpr int canvas_factor = 5;

  Lanczos lanczos_;
};

}  // namespace elbow
