#pragma once
// How the CPU's convolutions lay out an image with zeros around it, so that no loop over it asks where it ends, and what else
// they keep in their workspace.
#include <algorithm>

#include "kernels/convolution.h"

namespace elbow::kernels {

/// The longest vector, in elements: rows that are read in vectors are rounded up to it.
inline constexpr Index convolution_lanes = 16;

inline Index whole_vectors(Index elements) {
  return (elements + convolution_lanes - 1) / convolution_lanes * convolution_lanes;
}

struct ConvolutionBorders {
  // The large image: `padding` zeros before it, and all that the last place of the kernel covers.
  Index large_rows, large_columns;
  // The small image: zeros before it and behind it, so that every row of the large one is reached by kernel / stride rows.
  Index small_before;
  Index small_rows, small_columns;

  explicit ConvolutionBorders(const ConvolutionShape& s) {
    large_rows = (s.small_height - 1) * s.stride + s.kernel;
    large_columns = (s.small_width - 1) * s.stride + s.kernel;
    small_before = (s.kernel - 1) / s.stride;
    small_rows = small_before + (s.large_height - 1 + s.padding) / s.stride + 1;
    small_columns = small_before + (s.large_width - 1 + s.padding) / s.stride + 1;
  }
};

/// Pixels of the large image that the same pixels of the small one reach: stride x stride of them are a cell. Those of few
/// channels fill vectors together. Cells at the image's edge are partly outside.
struct Cells {
  Index first;  ///< row and column
  Index rows, columns;
  Index reach;     ///< pixels of the small image, along an axis: cell k is reached by pixels (k - reach, k]
  Index channels;  ///< of a cell, (y, x, c)

  explicit Cells(const ConvolutionShape& s) {
    first = s.padding / s.stride;
    rows = row(s, s.large_height - 1) + 1;
    columns = (s.large_width - 1 + s.padding) / s.stride - first + 1;
    reach = s.kernel / s.stride;
    channels = s.stride * s.stride * s.large_channels;
  }
  /// Where pixel (y, x) of the large image is: in which row of cells, and from which channel of its cell on.
  Index row(const ConvolutionShape& s, Index y) const { return (y + s.padding) / s.stride - first; }
  Index channel(const ConvolutionShape& s, Index y, Index x) const {
    return ((y + s.padding) % s.stride * s.stride + (x + s.padding) % s.stride) * s.large_channels;
  }
  static bool serve(const ConvolutionShape& s) {
    return s.kernel % s.stride == 0 && s.large_channels <= convolution_lanes / 4;
  }
};

/// Offsets into the workspace, in elements.
struct ConvolutionWorkspace {
  Index weight, bias, image, pixels, end;

  explicit ConvolutionWorkspace(const ConvolutionShape& s) {
    const ConvolutionBorders borders(s);
    const Cells cells(s);
    const Index large = borders.large_rows * borders.large_columns * s.large_channels;
    const Index small = borders.small_rows * borders.small_columns * s.small_channels;
    const Index small_pixels = s.small_height * s.small_width * whole_vectors(s.small_channels);
    const Index large_pixels = cells.rows * cells.columns * cells.channels;
    weight = 0;
    bias = s.kernel * s.kernel *
           std::max(s.large_channels * whole_vectors(s.small_channels),
                    s.small_channels * whole_vectors(s.large_channels));
    image = bias + whole_vectors(std::max(cells.channels, s.small_channels));
    pixels = image + whole_vectors(std::max(large, small));
    end = pixels + whole_vectors(Cells::serve(s) ? std::max(small_pixels, large_pixels) : small_pixels);
  }
};

}  // namespace elbow::kernels
