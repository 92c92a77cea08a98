#pragma once
// Pictures of one coloured shape on black, as Spriteworld draws them (Watters et al., 2019), with the same geometry, colour and
// anti-aliasing: a canvas of five times the size, reduced by Lanczos' filter with Pillow's integer arithmetic.
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "kernels/types.h"

namespace elbow {

struct Point {
  double x, y;
};

/// Named as Spriteworld names them: triangle, square, pentagon, hexagon, octagon, circle (30 sides), star_4 to star_6.
std::vector<std::string> sprite_shapes();

/// Vertices of the shape around the origin. Regular polygons have area 1; the stars' lengths are Spriteworld's. Throws
/// UsageError for another name.
std::vector<Point> sprite_outline(const std::string& shape);

struct Sprite {
  double x = 0.5;  ///< of the centre, in images: 0 is the left edge, 1 the right one
  double y = 0.5;  ///< 0 is the lower edge, 1 the upper one
  double scale = 0.15;
  double hue = 0;    ///< of HSV with saturation and value 1; 0 to 1
  double angle = 0;  ///< degrees, counter-clockwise
};

/// The RGB bytes of a hue.
std::array<std::uint8_t, 3> colour_of(double hue);

/// Writes (size, size, 3) bytes, the upper row first. The sprite may reach beyond the edges; it is cut off there.
void draw_sprite(const std::vector<Point>& outline, const Sprite& sprite, Index size, std::uint8_t* image);

}  // namespace elbow
