#pragma once
// A canvas of few runs of one value, made smaller by a Lanczos filter: the same bytes as Pillow's
// Image.resize(LANCZOS).
#include <cstdint>
#include <span>
#include <vector>

#include "experiments/polygon_fill.h"

namespace elbow {

/// A rectangle of a picture, (height, width) bytes; everything beside it is 0.
struct Patch {
  int left = 0, top = 0, width = 0, height = 0;
  std::vector<std::uint8_t> bytes;
};

/// From (factor size) x (factor size) to size x size pixels. Pixel i is a sum over the 6 factor pixels around
/// its centre, weighted by sinc(t) sinc(t / 3), t the distance in pixels of the small picture; where the
/// canvas ends, the weights that are left are scaled to the sum 1. First along rows, then along columns, both
/// times in fixed point of 22 bits, rounded to bytes and cut to 0 .. 255.
class Lanczos {
 public:
  Lanczos(int size, int factor);

  int size() const { return static_cast<int>(windows_.size()); }
  int canvas() const { return canvas_; }

  /// `runs` as of fill_polygon, all of them `value`, the rest of the canvas 0.
  Patch reduce(std::span<const PixelRun> runs, std::uint8_t value) const;

 private:
  /// The canvas pixels that a pixel is made of; their weights are at weights_[pixel * taps_], and the sums of
  /// the first 0, 1, .. of them at sums_[pixel * (taps_ + 1)].
  struct Window {
    int first, count;
  };
  struct Range {
    int begin, end;
  };

  Range reached_by(int first, int last) const;
  int weight_of(int pixel, const PixelRun& run) const;
  std::vector<std::uint8_t> reduce_rows(std::span<const PixelRun> runs, std::uint8_t value,
                                        Range columns) const;

  int canvas_;
  int taps_;
  std::vector<Window> windows_;
  std::vector<int> weights_;
  std::vector<int> sums_;
};

}  // namespace elbow
