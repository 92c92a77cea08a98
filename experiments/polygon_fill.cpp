#include "experiments/polygon_fill.h"

#include <algorithm>
#include <cmath>

namespace elbow {
namespace {

/// An edge that is not horizontal. Crossings are float32, as in the reference, where their rounding is seen.
struct Edge {
  Edge(Pixel from, Pixel to)
      : start(from),
        top(std::min(from.y, to.y)),
        bottom(std::max(from.y, to.y)),
        slope(static_cast<float>(to.x - from.x) / static_cast<float>(to.y - from.y)) {}

  bool reaches(int row) const { return top <= row && row <= bottom; }
  bool ends_in(int row) const { return row == top || row == bottom; }
  float at(int row) const { return static_cast<float>(row - start.y) * slope + static_cast<float>(start.x); }

  Pixel start;
  int top, bottom;
  float slope;
};

/// Where the last of `edges` crosses a row that it ends in. At a corner with an earlier edge that is so flat
/// that it leaves the next row by more than a pixel, the corner is moved to where the next row's pixels
/// begin.
float crossing_at_end(std::span<const Edge> edges, int row) {
  const Edge& edge = edges.back();
  const float x = edge.at(row);
  if (edge.slope == 0) return x;
  const int next = row == edge.bottom ? row - 1 : row + 1;
  for (const Edge& other : edges.first(edges.size() - 1)) {
    const bool is_corner =
        other.ends_in(row) && other.slope != 0 && std::round(x) == std::round(other.at(row));
    if (!is_corner || !other.reaches(next)) continue;
    const auto [low, high] = std::minmax({edge.at(next), other.at(next)});
    if (x > high + 1) return std::round(high) + 1;
    if (x < low - 1) return std::round(low) - 1;
    return x;
  }
  return x;
}

/// Crossings of a row with all edges, ascending. Where an edge ends, the next one begins: both are counted in
/// the row they share, and the upper one once more, so that outside stays outside; but not in the last row.
void find_crossings(const std::vector<Edge>& edges, int row, int last_row, std::vector<float>& crossings) {
  crossings.clear();
  for (std::size_t i = 0; i < edges.size(); ++i) {
    const Edge& edge = edges[i];
    if (!edge.reaches(row)) continue;
    if (row == edge.bottom && row < last_row) {
      crossings.insert(crossings.end(), 2, edge.at(row));
    } else if (edge.ends_in(row)) {
      crossings.push_back(crossing_at_end({edges.data(), i + 1}, row));
    } else {
      crossings.push_back(edge.at(row));
    }
  }
  std::sort(crossings.begin(), crossings.end());
}

// The pixels between two crossings; half way between two pixels the inner one is the end. Negative columns are
// rounded as the reference does, away from zero, which shows where a run ends in column 0.
int first_pixel(float x) { return static_cast<int>(std::floor(x + 0.5F)); }
int last_pixel(float x) { return static_cast<int>(x >= 0 ? std::ceil(x - 0.5F) : std::floor(x + 0.5F)); }

/// Cuts runs to the canvas and joins those that overlap.
std::vector<PixelRun> tidied(std::vector<PixelRun> runs, int size) {
  for (PixelRun& run : runs) run = {run.row, std::max(run.first, 0), std::min(run.last, size - 1)};
  std::erase_if(runs,
                [&](const PixelRun& run) { return run.row < 0 || run.row >= size || run.last < run.first; });
  std::sort(runs.begin(), runs.end(), [](const PixelRun& a, const PixelRun& b) {
    return a.row != b.row ? a.row < b.row : a.first < b.first;
  });
  std::vector<PixelRun> joined;
  for (const PixelRun& run : runs) {
    if (!joined.empty() && joined.back().row == run.row && run.first <= joined.back().last + 1) {
      joined.back().last = std::max(joined.back().last, run.last);
    } else {
      joined.push_back(run);
    }
  }
  return joined;
}

}  // namespace

std::vector<PixelRun> fill_polygon(std::span<const Pixel> corners, int size) {
  std::vector<PixelRun> runs;
  std::vector<Edge> edges;
  int first_row = size - 1, last_row = 0;
  for (std::size_t i = 0; i < corners.size(); ++i) {
    const Pixel from = corners[i], to = corners[(i + 1) % corners.size()];
    first_row = std::min(first_row, from.y);
    last_row = std::max(last_row, from.y);
    if (from.y != to.y) {
      edges.emplace_back(from, to);
    } else {
      runs.push_back({from.y, std::min(from.x, to.x), std::max(from.x, to.x)});
    }
  }
  last_row = std::min(last_row, size);
  std::vector<float> crossings;
  for (int row = std::max(first_row, 0); row <= last_row; ++row) {
    find_crossings(edges, row, last_row, crossings);
    for (std::size_t i = 1; i < crossings.size(); i += 2) {
      runs.push_back({row, first_pixel(crossings[i - 1]), last_pixel(crossings[i])});
    }
  }
  return tidied(std::move(runs), size);
}

}  // namespace elbow
