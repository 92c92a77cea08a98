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
  // The same as planes, a channel after the other.
  Index plane_row;  ///< elements
  Index plane;

  explicit ConvolutionBorders(const ConvolutionShape& s) {
    large_rows = (s.small_height - 1) * s.stride + s.kernel;
    large_columns = (s.small_width - 1) * s.stride + s.kernel;
    small_before = (s.kernel - 1) / s.stride;
    small_rows = small_before + (s.large_height - 1 + s.padding) / s.stride + 1;
    small_columns = small_before + (s.large_width - 1 + s.padding) / s.stride + 1;
    plane_row = small_columns;
    // Blocks of vectors read beyond the end. An odd number of vectors, so that channels do not fall on the same cache lines.
    const Index vectors = whole_vectors(small_rows * plane_row) / convolution_lanes + 8;
    plane = (vectors | 1) * convolution_lanes;
  }
};

/// Offsets into the workspace, in elements.
struct ConvolutionWorkspace {
  Index weight, bias, image, planes, end;

  explicit ConvolutionWorkspace(const ConvolutionShape& s) {
    const ConvolutionBorders borders(s);
    const Index large = borders.large_rows * borders.large_columns * s.large_channels;
    const Index small = std::max(borders.small_rows * borders.small_columns * s.small_channels,
                                 borders.plane * s.small_channels);
    const Index pixels = s.small_height * s.small_width * whole_vectors(s.small_channels);
    weight = 0;
    bias = s.kernel * s.kernel *
           std::max(s.large_channels * whole_vectors(s.small_channels),
                    s.small_channels * whole_vectors(s.large_channels));
    image = bias + whole_vectors(std::max(s.large_channels, s.small_channels));
    planes = image + whole_vectors(std::max(large, small));
    end = planes + whole_vectors(std::max(pixels, borders.plane * s.large_channels));
  }
};

}  // namespace elbow::kernels
