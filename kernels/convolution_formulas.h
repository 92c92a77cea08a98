#pragma once
// Where things are in kernels/convolution.h, for both twins.
#include "kernels/convolution.h"
#include "kernels/math.h"

namespace elbow::kernels {

/// The rows (or columns) of the small image that reach one of the large image: i in [first, first + count), each through row
/// kernel_row(i) of the kernel. Some may lie outside of the small image.
struct Reach {
  Index place;  ///< row of the large image + padding
  Index stride;
  Index first;
  Index count;

  ELBOW_HD Reach(const ConvolutionShape& s, Index row) : place(row + s.padding), stride(s.stride) {
    const Index nearest = place % stride;  // the smallest row of the kernel that fits
    count = nearest < s.kernel ? (s.kernel - 1 - nearest) / stride + 1 : 0;
    first = place / stride - count + 1;
  }
  ELBOW_HD Index kernel_row(Index i) const { return place - stride * i; }
};

/// The pixels of the large image that have one place between those of the small one: rows `y` and on, columns `x` and on,
/// every stride-th. A transposed convolution is a convolution of stride 1 for each of them.
struct Phase {
  Index y, x;
  Index height, width;  ///< how many there are
  Reach rows, columns;  ///< of the first

  ELBOW_HD Phase(const ConvolutionShape& s, Index y, Index x)
      : y(y),
        x(x),
        height((s.large_height - y + s.stride - 1) / s.stride),
        width((s.large_width - x + s.stride - 1) / s.stride),
        rows(s, y),
        columns(s, x) {}
};

/// One image of a batch.
template <class T>
struct Image {
  const T* data;
  Index height, width, channels;

  /// 0 outside.
  ELBOW_HD T operator()(Index y, Index x, Index c) const {
    const bool inside = y >= 0 && y < height && x >= 0 && x < width;
    return inside ? data[(y * width + x) * channels + c] : T(0);
  }
};

template <class T>
ELBOW_HD Image<T> large_image(const ConvolutionShape& s, const T* large, Index b) {
  return {large + b * s.large_height * s.large_width * s.large_channels, s.large_height, s.large_width,
          s.large_channels};
}
template <class T>
ELBOW_HD Image<T> small_image(const ConvolutionShape& s, const T* small, Index b) {
  return {small + b * s.small_height * s.small_width * s.small_channels, s.small_height, s.small_width,
          s.small_channels};
}
/// Where element (p, q, c, o) of a weight is.
ELBOW_HD Index weight_offset(const ConvolutionShape& s, Index p, Index q, Index c, Index o) {
  return ((p * s.kernel + q) * s.large_channels + c) * s.small_channels + o;
}

/// What becomes of a finished sum.
template <class T>
ELBOW_HD T rectified(T sum, bool relu) {
  return !relu || math::positive(sum) ? sum : T(0);
}

}  // namespace elbow::kernels
