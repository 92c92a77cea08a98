#pragma once
// The contracts of kernels/convolution.h as plain loops: for Complex, and for processors without a fused multiply-add
// instruction.
#include "kernels/convolution_formulas.h"

namespace elbow::kernels {

template <class T>
T convolution_element(const Convolution<T>& a, Index b, Index i, Index j, Index o) {
  const ConvolutionShape& s = a.shape;
  const Image<T> large = large_image(s, a.large, b);
  T sum = a.bias ? a.bias[o] : T(0);
  for (Index p = 0; p < s.kernel; ++p) {
    for (Index q = 0; q < s.kernel; ++q) {
      for (Index c = 0; c < s.large_channels; ++c) {
        const T x = large(s.stride * i + p - s.padding, s.stride * j + q - s.padding, c);
        sum = math::fma(x, a.weight[weight_offset(s, p, q, c, o)], sum);
      }
    }
  }
  return rectified(sum, a.relu);
}

template <class T>
T convolution_element(const TransposedConvolution<T>& a, Index b, Index y, Index x, Index c) {
  const ConvolutionShape& s = a.shape;
  const Image<T> small = small_image(s, a.small, b);
  const Reach rows(s, y), columns(s, x);
  T sum = a.bias ? a.bias[c] : T(0);
  for (Index i = rows.first; i < rows.first + rows.count; ++i) {
    for (Index j = columns.first; j < columns.first + columns.count; ++j) {
      for (Index o = 0; o < s.small_channels; ++o) {
        const T w = a.weight[weight_offset(s, rows.kernel_row(i), columns.kernel_row(j), c, o)];
        sum = math::fma(small(i, j, o), w, sum);
      }
    }
  }
  return rectified(sum, a.relu);
}

template <class T>
T convolution_element(const ConvolutionWeight<T>& a, Index p, Index q, Index c, Index o) {
  const ConvolutionShape& s = a.shape;
  T total(0);
  for (Index b = 0; b < s.batch; ++b) {
    const Image<T> large = large_image(s, a.large, b), small = small_image(s, a.small, b);
    T sum(0);
    for (Index i = 0; i < s.small_height; ++i) {
      for (Index j = 0; j < s.small_width; ++j) {
        sum = math::fma(large(s.stride * i + p - s.padding, s.stride * j + q - s.padding, c), small(i, j, o),
                        sum);
      }
    }
    total += sum;
  }
  return total;
}

/// Every element of `output`, (n0, n1, n2, n3).
template <class Arguments, class T>
void convolve_plain(const Arguments& a, T* output, Index n0, Index n1, Index n2, Index n3) {
  for (Index i0 = 0; i0 < n0; ++i0) {
    for (Index i1 = 0; i1 < n1; ++i1) {
      for (Index i2 = 0; i2 < n2; ++i2) {
        for (Index i3 = 0; i3 < n3; ++i3) *output++ = convolution_element(a, i0, i1, i2, i3);
      }
    }
  }
}

template <class T>
void convolution_plain(const Convolution<T>& a) {
  const ConvolutionShape& s = a.shape;
  convolve_plain(a, a.small, s.batch, s.small_height, s.small_width, s.small_channels);
}
template <class T>
void convolution_plain(const TransposedConvolution<T>& a) {
  const ConvolutionShape& s = a.shape;
  convolve_plain(a, a.large, s.batch, s.large_height, s.large_width, s.large_channels);
}
template <class T>
void convolution_plain(const ConvolutionWeight<T>& a) {
  const ConvolutionShape& s = a.shape;
  convolve_plain(a, a.weight, s.kernel, s.kernel, s.large_channels, s.small_channels);
}

}  // namespace elbow::kernels
