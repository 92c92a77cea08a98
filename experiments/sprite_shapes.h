#pragma once
// The outlines of sprites: those of Spriteworld (Watters et al., https://github.com/deepmind/spriteworld),
// each of area 1 around the origin, so that sprites of one scale cover equally much of a picture.
#include <array>
#include <string_view>
#include <vector>

namespace elbow {

enum class SpriteShape {
  triangle,
  square,
  pentagon,
  hexagon,
  octagon,
  circle,  ///< a regular polygon of 30 sides
  star_4,
  star_5,
  star_6,
  spoke_4,
  spoke_5,
  spoke_6,
};

/// In the order of the enumeration.
inline constexpr std::array<std::string_view, 12> sprite_shape_names = {
    "triangle", "square", "pentagon", "hexagon", "octagon", "circle",
    "star_4",   "star_5", "star_6",   "spoke_4", "spoke_5", "spoke_6"};

std::string_view name(SpriteShape);
/// Throws UsageError with the names there are.
SpriteShape sprite_shape(std::string_view name);

struct Point {
  double x, y;
};

/// The corners in order, at most 30; y points up. A star's points are twice as far from the centre as its
/// inner corners are; a spoke is a rectangle of height 1 on each side of a regular polygon of circumradius 1;
/// both before all is scaled to area 1.
std::vector<Point> outline(SpriteShape);

}  // namespace elbow
