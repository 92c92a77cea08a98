#include "experiments/sprite_shapes.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "engine/files.h"
#include "kernels/error.h"

namespace elbow {
namespace {

using std::numbers::pi;

Point at_angle(double radius, double angle) { return {radius * std::cos(angle), radius * std::sin(angle)}; }
Point operator+(Point a, Point b) { return {a.x + b.x, a.y + b.y}; }

std::vector<Point> scaled_to_area_1(std::vector<Point> corners, double area) {
  for (Point& corner : corners) corner = {corner.x / std::sqrt(area), corner.y / std::sqrt(area)};
  return corners;
}

/// `first` is the angle of the first corner; `sides` triangles of two sides 1 and the angle 2 pi / sides.
std::vector<Point> polygon(int sides, double first) {
  const double step = 2 * pi / sides;
  std::vector<Point> corners;
  for (int i = 0; i < sides; ++i) corners.push_back(at_angle(1, i * step + first));
  return scaled_to_area_1(corners, sides * std::sin(step / 2) * std::cos(step / 2));
}

/// Twice as many triangles, of sides 1 and `reach` and half the angle.
std::vector<Point> star(int points, double first) {
  constexpr double reach = 2;
  const double step = 2 * pi / points;
  std::vector<Point> corners;
  for (int i = 0; i < points; ++i) {
    corners.push_back(at_angle(1, i * step + first));
    corners.push_back(at_angle(reach, (i + 0.5) * step + first));
  }
  return scaled_to_area_1(corners, reach * points * std::sin(step / 2));
}

/// The polygon, and on each side, 2 sin(step / 2) long, a rectangle of height 1.
std::vector<Point> spokes(int sides, double first) {
  const double step = 2 * pi / sides;
  std::vector<Point> corners;
  for (int i = 0; i < sides; ++i) {
    const Point corner = at_angle(1, i * step + first);
    corners.push_back(at_angle(1, (i - 0.5) * step + first) + corner);
    corners.push_back(corner);
    corners.push_back(at_angle(1, (i + 0.5) * step + first) + corner);
  }
  return scaled_to_area_1(corners, sides * std::sin(step / 2) * (2 + std::cos(step / 2)));
}

}  // namespace

std::string_view name(SpriteShape shape) { return sprite_shape_names[static_cast<std::size_t>(shape)]; }

SpriteShape sprite_shape(std::string_view name) {
  const auto found = std::find(sprite_shape_names.begin(), sprite_shape_names.end(), name);
  if (found == sprite_shape_names.end()) {
    throw UsageError(fmt::format("[sprites] expected a shape of {}, got {}",
                                 fmt::join(sprite_shape_names, ", "), in_quotes(name)));
  }
  return static_cast<SpriteShape>(found - sprite_shape_names.begin());
}

std::vector<Point> outline(SpriteShape shape) {
  switch (shape) {
    case SpriteShape::triangle:
      return polygon(3, pi / 2);
    case SpriteShape::square:
      return polygon(4, pi / 4);
    case SpriteShape::pentagon:
      return polygon(5, pi / 2);
    case SpriteShape::hexagon:
      return polygon(6, 0);
    case SpriteShape::octagon:
      return polygon(8, 0);
    case SpriteShape::circle:
      return polygon(30, 0);
    case SpriteShape::star_4:
      return star(4, pi / 4);
    case SpriteShape::star_5:
      return star(5, pi + pi / 10);
    case SpriteShape::star_6:
      return star(6, 0);
    case SpriteShape::spoke_4:
      return spokes(4, pi / 4);
    case SpriteShape::spoke_5:
      return spokes(5, pi + pi / 10);
    case SpriteShape::spoke_6:
      return spokes(6, 0);
  }
  return {};
}

}  // namespace elbow
