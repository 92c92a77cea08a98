#include "experiments/sprite.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "kernels/error.h"
#include "kernels/math.h"

namespace elbow {
namespace {

constexpr Index canvas_factor = 5;

Point polar(double radius, double angle) { return {radius * std::cos(angle), radius * std::sin(angle)}; }

std::vector<Point> divided(std::vector<Point> outline, double length) {
  for (Point& p : outline) p = {p.x / length, p.y / length};
  return outline;
}

std::vector<Point> polygon(int sides, double first_angle) {
  const double turn = 2 * math::pi / sides;
  std::vector<Point> outline;
  for (int i = 0; i < sides; ++i) outline.push_back(polar(1, i * turn + first_angle));
  return divided(outline, std::sqrt(sides * std::sin(turn / 2) * std::cos(turn / 2)));
}

std::vector<Point> star(int points, double first_angle) {
  constexpr double tip = 2;  // from the centre; the inner vertices are at 1
  const double turn = 2 * math::pi / points;
  std::vector<Point> outline;
  for (int i = 0; i < points; ++i) {
    outline.push_back(polar(1, i * turn + first_angle));
    outline.push_back(polar(tip, (i + 0.5) * turn + first_angle));
  }
  return divided(outline, std::sqrt(tip * points * std::sin(turn / 2)));
}

struct NamedShape {
  const char* name;
  std::vector<Point> outline;
};

const std::vector<NamedShape>& shapes() {
  constexpr double pi = math::pi;
  static const std::vector<NamedShape> all{
      {"triangle", polygon(3, pi / 2)}, {"square", polygon(4, pi / 4)},    {"pentagon", polygon(5, pi / 2)},
      {"hexagon", polygon(6, 0)},       {"octagon", polygon(8, 0)},        {"circle", polygon(30, 0)},
      {"star_4", star(4, pi / 4)},      {"star_5", star(5, pi + pi / 10)}, {"star_6", star(6, 0)}};
  return all;
}

/// Pixels [begin, end) of a row of the canvas that the shape covers.
struct Run {
  Index begin, end;
};

/// The covered pixels of rows first, first + 1, ... of the canvas, whose first row is the lowest.
struct Coverage {
  Index first = 0;
  std::vector<std::vector<Run>> rows;
};

Index to_nearest(double x) { return static_cast<Index>(std::floor(x + 0.5)); }

/// Pillow's polygon: vertices are cut to whole pixels, and a pixel is covered if its coordinates are inside or on the edge.
Coverage cover(const std::vector<Point>& vertices, Index side) {
  struct Corner {
    Index x, y;
  };
  std::vector<Corner> corners;
  for (const Point& p : vertices) corners.push_back({static_cast<Index>(p.x), static_cast<Index>(p.y)});
  Index low = side, high = -1;
  for (const Corner& c : corners) {
    low = std::min(low, c.y);
    high = std::max(high, c.y);
  }
  Coverage coverage;
  coverage.first = std::max<Index>(low, 0);
  const Index last = std::min(high, side - 1);
  for (Index y = coverage.first; y <= last; ++y) {
    std::vector<double> crossings;
    std::vector<Run>& runs = coverage.rows.emplace_back();
    const auto add = [&](double from, double to) {
      const Run run{std::max<Index>(to_nearest(from), 0), std::min(to_nearest(to) + 1, side)};
      if (run.begin < run.end) runs.push_back(run);
    };
    for (std::size_t i = 0; i < corners.size(); ++i) {
      const Corner &a = corners[i], &b = corners[(i + 1) % corners.size()];
      if (a.y == y) add(static_cast<double>(a.x), static_cast<double>(a.x));
      if (a.y == b.y) {
        if (a.y == y) add(static_cast<double>(std::min(a.x, b.x)), static_cast<double>(std::max(a.x, b.x)));
      } else if (std::min(a.y, b.y) <= y && y < std::max(a.y, b.y)) {
        crossings.push_back(static_cast<double>(a.x) +
                            static_cast<double>((b.x - a.x) * (y - a.y)) / static_cast<double>(b.y - a.y));
      }
    }
    std::sort(crossings.begin(), crossings.end());
    for (std::size_t i = 0; i + 1 < crossings.size(); i += 2) add(crossings[i], crossings[i + 1]);
    // Joined where they overlap, so that each pixel counts once.
    std::sort(runs.begin(), runs.end(), [](const Run& a, const Run& b) { return a.begin < b.begin; });
    std::vector<Run> joined;
    for (const Run& run : runs) {
      if (!joined.empty() && run.begin <= joined.back().end) {
        joined.back().end = std::max(joined.back().end, run.end);
      } else {
        joined.push_back(run);
      }
    }
    runs = joined;
  }
  return coverage;
}

constexpr int weight_bits = 22;  // Pillow's fixed point

/// What a pixel of the small image takes from the canvas: pixels [first, first + weights), in fixed point, as sums of the
/// weights before each.
struct Taps {
  Index first;
  std::vector<std::int64_t> sum;  ///< sum[i]: of the first i weights

  std::int64_t of(Index begin, Index end) const {
    const Index count = static_cast<Index>(sum.size()) - 1;
    const Index from = std::clamp<Index>(begin - first, 0, count),
                to = std::clamp<Index>(end - first, 0, count);
    return sum[to] - sum[from];
  }
};

double sinc(double x) { return x == 0 ? 1 : std::sin(math::pi * x) / (math::pi * x); }
double lanczos(double x) { return std::abs(x) < 3 ? sinc(x) * sinc(x / 3) : 0; }

std::vector<Taps> make_taps(Index size) {
  constexpr double support = 3.0 * canvas_factor;
  std::vector<Taps> taps;
  for (Index i = 0; i < size; ++i) {
    const double centre = (static_cast<double>(i) + 0.5) * canvas_factor;
    const Index first = std::max<Index>(static_cast<Index>(centre - support + 0.5), 0);
    const Index end = std::min(static_cast<Index>(centre + support + 0.5), size * canvas_factor);
    std::vector<double> weights;
    double total = 0;
    for (Index k = first; k < end; ++k) {
      weights.push_back(lanczos((static_cast<double>(k) - centre + 0.5) / canvas_factor));
      total += weights.back();
    }
    Taps own{first, {0}};
    for (const double w : weights) {
      const double scaled = w / total * (1 << weight_bits);
      own.sum.push_back(own.sum.back() + static_cast<std::int64_t>(scaled < 0 ? scaled - 0.5 : scaled + 0.5));
    }
    taps.push_back(own);
  }
  return taps;
}

/// The filter of an image of this size.
const std::vector<Taps>& taps_of(Index size) {
  thread_local Index made_for = 0;
  thread_local std::vector<Taps> taps;
  if (made_for != size) {
    taps = make_taps(size);
    made_for = size;
  }
  return taps;
}

std::uint8_t to_byte(std::int64_t sum) {
  return static_cast<std::uint8_t>(
      std::clamp<std::int64_t>((sum + (1 << (weight_bits - 1))) >> weight_bits, 0, 255));
}

/// The pixels whose taps meet [begin, end) of the canvas.
Run reached(const std::vector<Taps>& taps, Index begin, Index end) {
  Run run{static_cast<Index>(taps.size()), 0};
  for (Index i = 0; i < static_cast<Index>(taps.size()); ++i) {
    const Index last = taps[i].first + static_cast<Index>(taps[i].sum.size()) - 1;
    if (taps[i].first >= end || last <= begin) continue;
    run = {std::min(run.begin, i), i + 1};
  }
  return run;
}

}  // namespace

std::vector<std::string> sprite_shapes() {
  std::vector<std::string> names;
  for (const NamedShape& shape : shapes()) names.emplace_back(shape.name);
  return names;
}

std::vector<Point> sprite_outline(const std::string& shape) {
  for (const NamedShape& known : shapes()) {
    if (shape == known.name) return known.outline;
  }
  throw UsageError(
      fmt::format("shape: expected one of {}, got '{}'", fmt::join(sprite_shapes(), ", "), shape));
}

std::array<std::uint8_t, 3> colour_of(double hue) {
  const double sector = 6 * hue;
  const auto whole = static_cast<int>(sector);
  const double rest = sector - whole;
  const double rising = 1 - (1 - rest), falling = 1 - rest;
  const std::array<double, 3> rgb[] = {{1, rising, 0},  {falling, 1, 0}, {0, 1, rising},
                                       {0, falling, 1}, {rising, 0, 1},  {1, 0, falling}};
  std::array<std::uint8_t, 3> bytes{};
  for (int c = 0; c < 3; ++c) bytes[c] = static_cast<std::uint8_t>(255 * rgb[whole % 6][c]);
  return bytes;
}

void draw_sprite(const std::vector<Point>& outline, const Sprite& sprite, Index size, std::uint8_t* image) {
  std::fill_n(image, size * size * 3, std::uint8_t{0});
  const Index side = size * canvas_factor;
  const double cosine = std::cos(sprite.angle * math::pi / 180),
               sine = std::sin(sprite.angle * math::pi / 180);
  std::vector<Point> vertices;
  for (const Point& p : outline) {
    const double x = sprite.scale * p.x, y = sprite.scale * p.y;
    vertices.push_back({static_cast<double>(side) * (cosine * x - sine * y + sprite.x),
                        static_cast<double>(side) * (sine * x + cosine * y + sprite.y)});
  }
  const Coverage coverage = cover(vertices, side);
  const auto covered_rows = static_cast<Index>(coverage.rows.size());
  Index left = side, right = 0;
  for (const std::vector<Run>& runs : coverage.rows) {
    for (const Run& run : runs) {
      left = std::min(left, run.begin);
      right = std::max(right, run.end);
    }
  }
  if (left >= right) return;

  const std::vector<Taps>& taps = taps_of(size);
  const std::array<std::uint8_t, 3> colour = colour_of(sprite.hue);
  const Run columns = reached(taps, left, right);
  const Run rows = reached(taps, coverage.first, coverage.first + covered_rows);
  const Index width = columns.end - columns.begin;
  std::vector<std::uint8_t> narrow(static_cast<std::size_t>(covered_rows * width * 3));
  for (Index r = 0; r < covered_rows; ++r) {
    for (Index i = 0; i < width; ++i) {
      std::int64_t covered = 0;
      for (const Run& run : coverage.rows[r]) covered += taps[columns.begin + i].of(run.begin, run.end);
      for (int c = 0; c < 3; ++c) narrow[(r * width + i) * 3 + c] = to_byte(covered * colour[c]);
    }
  }
  std::vector<std::int64_t> sums(static_cast<std::size_t>(width * 3));
  for (Index i = rows.begin; i < rows.end; ++i) {
    std::fill(sums.begin(), sums.end(), 0);
    for (Index r = 0; r < covered_rows; ++r) {
      const std::int64_t weight = taps[i].of(coverage.first + r, coverage.first + r + 1);
      if (weight == 0) continue;
      for (std::size_t k = 0; k < sums.size(); ++k) sums[k] += weight * narrow[r * width * 3 + k];
    }
    std::uint8_t* const to = image + ((size - 1 - i) * size + columns.begin) * 3;
    std::transform(sums.begin(), sums.end(), to, to_byte);
  }
}

}  // namespace elbow
