#pragma once
// Which pixels of a canvas a polygon covers, by the rule of Pillow's ImageDraw.polygon (version 13): the
// reference pictures of the sprites are drawn by it, and the rule decides each pixel of their edges.
#include <span>
#include <vector>

namespace elbow {

struct Pixel {
  int x, y;
};

/// Pixels first .. last of a row.
struct PixelRun {
  int row, first, last;
};

/// The pixels of the closed polygon with these corners, on a canvas of size x size pixels; what lies beyond
/// is cut off. Ascending by row, then by column, without overlap.
///
/// A row's pixels are those between its first and second crossing with the outline, its third and fourth, and
/// so on, both ends rounded to pixels; and the horizontal edges in it.
std::vector<PixelRun> fill_polygon(std::span<const Pixel> corners, int size);

}  // namespace elbow
