// Convolutions on the CPU: one source, compiled for every instruction set that has a fused multiply-add.
//
// All three are products of matrices whose left operand is an image with zeros around it, in place: neighbouring rows of that
// matrix overlap (kernels/convolution_blocks.h). A convolution's rows are the small image's pixels. A transposed convolution
// is stride^2 convolutions of stride 1, one for each place that a pixel of the large image can have between those of the
// small one. With few large channels, the last layer of a decoder, these would leave vectors mostly empty: it is one
// convolution to cells of stride^2 pixels. The rows of a weight's gradient are (p, q, c), and pixels are what it sums over.
#include "kernels/convolution.h"

#include <algorithm>

#include "kernels/convolution_borders.h"
#include "kernels/convolution_plain.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/convolution.cpp"
#include "kernels/simd.h"
//
#include "kernels/convolution_blocks.h"

HWY_BEFORE_NAMESPACE();
namespace elbow::kernels::HWY_NAMESPACE {
namespace {

#if HWY_TARGET == HWY_SCALAR

template <class Arguments>
void convolve(const Arguments& a) {
  convolution_plain(a);
}

#else

/// Copies `rows` rows of `count` elements, from_step elements apart, to where they lie to_step apart.
template <class T>
void copy_rows(const T* from, Index from_step, Index rows, Index count, T* to, Index to_step) {
  for (Index r = 0; r < rows; ++r) std::copy_n(from + r * from_step, count, to + r * to_step);
}

/// Rows and columns of the large image that its bordered copy has room for.
template <class T>
void set_large(const ConvolutionShape& s, const ConvolutionBorders& borders, const T* large, T* image) {
  const Index row = borders.large_columns * s.large_channels;
  const Index height = std::min(s.large_height, borders.large_rows - s.padding);
  const Index width = std::min(s.large_width, borders.large_columns - s.padding);
  copy_rows(large, s.large_width * s.large_channels, height, width * s.large_channels,
            image + s.padding * (row + s.large_channels), row);
}

/// The small image into its bordered copy.
template <class T>
void set_small(const ConvolutionShape& s, const ConvolutionBorders& borders, const T* small, T* image) {
  const Index row = borders.small_columns * s.small_channels, own_row = s.small_width * s.small_channels;
  copy_rows(small, own_row, s.small_height, own_row, image + borders.small_before * (row + s.small_channels),
            row);
}

/// (rows, columns) with rows of whole vectors, zeros behind.
template <class T>
void set_rows(const T* from, Index rows, Index columns, T* to) {
  const Index step = whole_vectors(columns);
  for (Index r = 0; r < rows; ++r) {
    std::copy_n(from + r * columns, columns, to + r * step);
    std::fill_n(to + r * step + columns, step - columns, T(0));
  }
}

/// The bias in whole vectors, zeros if there is none.
template <class T>
void set_bias(const T* bias, Index channels, T* to) {
  std::fill_n(to, whole_vectors(channels), T(0));
  if (bias != nullptr) std::copy_n(bias, channels, to);
}

template <class T>
void convolve(const Convolution<T>& a) {
  const ConvolutionShape& s = a.shape;
  const ConvolutionBorders borders(s);
  const ConvolutionWorkspace at(s);
  T* const image = a.workspace + at.image;
  const Index row = borders.large_columns * s.large_channels;
  const Index columns = whole_vectors(s.small_channels);
  set_rows(a.weight, s.kernel * s.kernel * s.large_channels, s.small_channels, a.workspace + at.weight);
  set_bias(a.bias, s.small_channels, a.workspace + at.bias);
  std::fill_n(image, borders.large_rows * row, T(0));

  ImageProduct<T> product{};
  product.rows = s.small_height * s.small_width;
  product.columns = s.small_channels;
  product.terms = {{s.kernel, 1, s.kernel * s.large_channels},
                   {row, 0, 1},
                   {s.kernel * s.large_channels * columns, 0, columns}};
  product.left = {image, s.small_width, s.stride * s.large_channels, s.stride * row};
  product.right = a.workspace + at.weight;
  product.bias = a.workspace + at.bias;
  product.relu = a.relu;
  for (Index b = 0; b < s.batch; ++b) {
    set_large(s, borders, a.large + b * s.large_height * s.large_width * s.large_channels, image);
    T* const small = a.small + b * product.rows * s.small_channels;
    product.output = {small, s.small_width, s.small_channels, s.small_width * s.small_channels};
    multiply(product);
  }
}

/// Calls use(Phase) for each that has pixels.
template <class Use>
void for_phases(const ConvolutionShape& s, Use use) {
  for (Index y = 0; y < std::min(s.stride, s.large_height); ++y) {
    for (Index x = 0; x < std::min(s.stride, s.large_width); ++x) use(Phase(s, y, x));
  }
}

/// The phase's part of the weight: element ((i, j, o), c) at to[(i, j, o) * step + c].
template <class T>
void set_phase_weight(const ConvolutionShape& s, const Phase& phase, const T* weight, T* to, Index step) {
  for (Index i = 0; i < phase.rows.count; ++i) {
    for (Index j = 0; j < phase.columns.count; ++j) {
      const Index p = phase.rows.kernel_row(phase.rows.first + i);
      const Index q = phase.columns.kernel_row(phase.columns.first + j);
      const T* const from = weight + (p * s.kernel + q) * s.large_channels * s.small_channels;
      for (Index o = 0; o < s.small_channels; ++o, to += step) {
        for (Index c = 0; c < s.large_channels; ++c) to[c] = from[c * s.small_channels + o];
      }
    }
  }
}

template <class T>
void convolve_in_pixels(const TransposedConvolution<T>& a) {
  const ConvolutionShape& s = a.shape;
  const ConvolutionBorders borders(s);
  const ConvolutionWorkspace at(s);
  T* const image = a.workspace + at.image;
  const Index row = borders.small_columns * s.small_channels;
  const Index columns = whole_vectors(s.large_channels);
  const Index depth = s.kernel * s.kernel * s.small_channels;
  std::fill_n(a.workspace + at.weight, depth * columns, T(0));
  set_bias(a.bias, s.large_channels, a.workspace + at.bias);
  std::fill_n(image, borders.small_rows * row, T(0));
  T* phase_weight = a.workspace + at.weight;
  for_phases(s, [&](const Phase& phase) {
    set_phase_weight(s, phase, a.weight, phase_weight, columns);
    phase_weight += phase.rows.count * phase.columns.count * s.small_channels * columns;
  });

  for (Index b = 0; b < s.batch; ++b) {
    set_small(s, borders, a.small + b * s.small_height * s.small_width * s.small_channels, image);
    T* const large = a.large + b * s.large_height * s.large_width * s.large_channels;
    const T* right = a.workspace + at.weight;
    for_phases(s, [&](const Phase& phase) {
      const Index terms = phase.columns.count * s.small_channels;
      ImageProduct<T> product{};
      product.rows = phase.height * phase.width;
      product.columns = s.large_channels;
      product.terms = {{phase.rows.count, 1, terms}, {row, 0, 1}, {terms * columns, 0, columns}};
      product.left = {image + (phase.rows.first + borders.small_before) * row +
                          (phase.columns.first + borders.small_before) * s.small_channels,
                      phase.width, s.small_channels, row};
      product.right = right;
      product.bias = a.workspace + at.bias;
      product.relu = a.relu;
      product.output = {large + (phase.y * s.large_width + phase.x) * s.large_channels, phase.width,
                        s.stride * s.large_channels, s.stride * s.large_width * s.large_channels};
      multiply(product);
      right += phase.rows.count * terms * columns;
    });
  }
}

/// The bias of each of a cell's pixels.
template <class T>
void set_cell_bias(const Cells& cells, const T* bias, Index channels, T* to) {
  std::fill_n(to, whole_vectors(cells.channels), T(0));
  if (bias == nullptr) return;
  for (Index first = 0; first < cells.channels; first += channels) std::copy_n(bias, channels, to + first);
}

/// From cells to the pixels that lie within the image.
template <class T>
void set_from_cells(const ConvolutionShape& s, const Cells& cells, const T* from, T* large) {
  const hn::ScalableTag<T> d;
  constexpr Index lanes = hn::MaxLanes(d);
  for (Index y = 0; y < s.large_height; ++y, large += s.large_width * s.large_channels) {
    const T* line = from + cells.row(s, y) * cells.columns * cells.channels + cells.channel(s, y, -s.padding);
    for (Index x = cells.first * s.stride - s.padding; x < s.large_width;
         x += s.stride, line += cells.channels) {
      const Index begin = std::max<Index>(0, -x) * s.large_channels;
      const Index end = std::min(s.stride, s.large_width - x) * s.large_channels;
      T* const to = large + x * s.large_channels;
      for (Index e = begin; e < end; e += lanes) {
        const auto mask = hn::FirstN(d, end - e);
        hn::BlendedStore(hn::MaskedLoad(mask, d, line + e), mask, d, to + e);
      }
    }
  }
}

template <class T>
void convolve_in_cells(const TransposedConvolution<T>& a) {
  const ConvolutionShape& s = a.shape;
  const ConvolutionBorders borders(s);
  const ConvolutionWorkspace at(s);
  const Cells cells(s);
  T* const image = a.workspace + at.image;
  T* const pixels = a.workspace + at.pixels;
  const Index row = borders.small_columns * s.small_channels;
  const Index step = whole_vectors(cells.channels);
  std::fill_n(a.workspace + at.weight, cells.reach * cells.reach * s.small_channels * step, T(0));
  for_phases(s, [&](const Phase& phase) {
    set_phase_weight(s, phase, a.weight, a.workspace + at.weight + cells.channel(s, phase.y, phase.x), step);
  });
  set_cell_bias(cells, a.bias, s.large_channels, a.workspace + at.bias);
  std::fill_n(image, borders.small_rows * row, T(0));

  ImageProduct<T> product{};
  product.rows = cells.rows * cells.columns;
  product.columns = cells.channels;
  product.terms = {{cells.reach, 1, cells.reach * s.small_channels},
                   {row, 0, 1},
                   {cells.reach * s.small_channels * step, 0, step}};
  product.left = {image + cells.first * (row + s.small_channels), cells.columns, s.small_channels, row};
  product.right = a.workspace + at.weight;
  product.bias = a.workspace + at.bias;
  product.relu = a.relu;
  product.output = {pixels, product.rows, cells.channels, 0};
  for (Index b = 0; b < s.batch; ++b) {
    set_small(s, borders, a.small + b * s.small_height * s.small_width * s.small_channels, image);
    multiply(product);
    set_from_cells(s, cells, pixels, a.large + b * s.large_height * s.large_width * s.large_channels);
  }
}

template <class T>
void convolve(const TransposedConvolution<T>& a) {
  if (Cells::serve(a.shape)) {
    convolve_in_cells(a);
  } else {
    convolve_in_pixels(a);
  }
}

template <class T>
void convolve(const ConvolutionWeight<T>& a) {
  const ConvolutionShape& s = a.shape;
  const ConvolutionBorders borders(s);
  const ConvolutionWorkspace at(s);
  T* const image = a.workspace + at.image;
  T* const pixels = a.workspace + at.pixels;
  const Index row = borders.large_columns * s.large_channels;
  const Index columns = whole_vectors(s.small_channels);
  const Index small_count = s.small_height * s.small_width;
  std::fill_n(image, borders.large_rows * row, T(0));
  std::fill_n(a.weight, s.weight_count(), T(0));

  ImageProduct<T> product{};
  product.rows = s.kernel * s.kernel * s.large_channels;
  product.columns = s.small_channels;
  product.terms = {{s.small_height, 1, s.small_width},
                   {s.stride * row, 0, s.stride * s.large_channels},
                   {s.small_width * columns, 0, columns}};
  product.left = {image, s.kernel * s.large_channels, 1, row};
  product.adds = true;
  product.output = {a.weight, product.rows, s.small_channels, 0};
  for (Index b = 0; b < s.batch; ++b) {
    set_large(s, borders, a.large + b * s.large_height * s.large_width * s.large_channels, image);
    product.right = a.small + b * small_count * s.small_channels;
    if (columns != s.small_channels) {
      set_rows(product.right, small_count, s.small_channels, pixels);
      product.right = pixels;
    }
    multiply(product);
  }
}

#endif

ELBOW_TARGET_ENTRY(convolution_float, Convolution<float>, convolve)
ELBOW_TARGET_ENTRY(convolution_double, Convolution<double>, convolve)
ELBOW_TARGET_ENTRY(transposed_float, TransposedConvolution<float>, convolve)
ELBOW_TARGET_ENTRY(transposed_double, TransposedConvolution<double>, convolve)
ELBOW_TARGET_ENTRY(weight_float, ConvolutionWeight<float>, convolve)
ELBOW_TARGET_ENTRY(weight_double, ConvolutionWeight<double>, convolve)

}  // namespace
}  // namespace elbow::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace elbow::kernels {

Index convolution_workspace(const ConvolutionShape& shape) {
  const Index own = ConvolutionWorkspace(shape).end;
  return shape.multiply_adds() < dnn_from ? own : std::max(own, DnnWorkspace(shape).end);
}
Index convolution_weight_workspace(const ConvolutionShape& shape) {
  return std::max(convolution_workspace(shape), shape.batch * shape.weight_count());
}

namespace cpu {

ELBOW_DISPATCH(convolution_float, Convolution<float>)
ELBOW_DISPATCH(convolution_double, Convolution<double>)
ELBOW_DISPATCH(transposed_float, TransposedConvolution<float>)
ELBOW_DISPATCH(transposed_double, TransposedConvolution<double>)
ELBOW_DISPATCH(weight_float, ConvolutionWeight<float>)
ELBOW_DISPATCH(weight_double, ConvolutionWeight<double>)

template <>
void run(const Convolution<Complex>& a) {
  convolution_plain(a);
}
template <>
void run(const TransposedConvolution<Complex>& a) {
  convolution_plain(a);
}
template <>
void run(const ConvolutionWeight<Complex>& a) {
  convolution_plain(a);
}

}  // namespace cpu
}  // namespace elbow::kernels
#endif
