#pragma once
// Convolution of images, its transpose, and its gradient by the weight. All three are derivatives of one trilinear form,
//
//   F(large, small, weight) = sum over b, i, j, p, q, c, o of
//       large[b, stride i + p - padding, stride j + q - padding, c] small[b, i, j, o] weight[p, q, c, o],
//
// each by one of its three arguments, so each one's backward rule is the other two. Convolution makes the small image of the
// large one, TransposedConvolution the large one of the small.
//
// An image is (batch, height, width, channels), a weight (kernel, kernel, large channels, small channels). Outside of an image
// stands 0, which is multiplied like any other number. Bias (of the output's channels) and ReLU are in the same pass.
//
// Fixed order, the same on every device and every vector width: each element is a chain s = fma(., ., s) over
//   Convolution            p, q, c ascending                         from the bias, or 0
//   TransposedConvolution  i, j, o ascending, wherever stride i + p - padding is the element's row for a p of the kernel,
//                          and so for columns                        from the bias, or 0
//   ConvolutionWeight      i, j ascending                            from 0; these chains of the samples are then added, from
//                                                                    0, b ascending
// rounded at each step to T.
#include "kernels/types.h"

namespace elbow::kernels {

/// stride (small_height - 1) + kernel <= large_height + 2 padding, and so for the width; 0 <= padding < kernel; stride >= 1.
struct ConvolutionShape {
  Index batch;
  Index large_height, large_width, large_channels;
  Index small_height, small_width, small_channels;
  Index kernel, stride, padding;

  Index large_count() const { return batch * large_height * large_width * large_channels; }
  Index small_count() const { return batch * small_height * small_width * small_channels; }
  Index weight_count() const { return kernel * kernel * large_channels * small_channels; }
  double multiply_adds() const {
    return static_cast<double>(small_count()) * static_cast<double>(kernel * kernel * large_channels);
  }
};

/// From this many multiply-adds on, CUDA leaves a convolution of floats to cuDNN where there is one.
inline constexpr double dnn_from = 0x1p27;

/// Of the workspace, for cuDNN: the weight in its order, then as much as all operands together for its own use, which is enough
/// to lay each of them out anew. In elements.
struct DnnWorkspace {
  Index own, end;

  explicit DnnWorkspace(const ConvolutionShape& s)
      : own((s.weight_count() + 63) / 64 * 64),
        end(own + s.large_count() + s.small_count() + s.weight_count()) {}
};

template <class T>
struct Convolution {
  ConvolutionShape shape;
  const T* large;
  const T* weight;
  const T* bias;  ///< (small channels), or null
  bool relu;
  T* small;
  T* workspace;  ///< convolution_workspace() elements, aligned to 64 bytes
};

template <class T>
struct TransposedConvolution {
  ConvolutionShape shape;
  const T* small;
  const T* weight;
  const T* bias;  ///< (large channels), or null
  bool relu;
  T* large;
  T* workspace;  ///< as above
};

template <class T>
struct ConvolutionWeight {
  ConvolutionShape shape;
  const T* large;
  const T* small;
  T* weight;
  T* workspace;  ///< convolution_weight_workspace() elements, aligned to 64 bytes
};

/// Elements of T that the kernels need beside their operands: the CPU for one image, CUDA for the weight's gradient of every
/// sample, and for cuDNN.
Index convolution_workspace(const ConvolutionShape&);
Index convolution_weight_workspace(const ConvolutionShape&);

namespace cpu {
template <class T>
void run(const Convolution<T>&);  // float, double, Complex
template <class T>
void run(const TransposedConvolution<T>&);  // float, double, Complex
template <class T>
void run(const ConvolutionWeight<T>&);  // float, double, Complex
}  // namespace cpu
namespace cuda {
template <class T>
void run(const Convolution<T>&);  // float, double
template <class T>
void run(const TransposedConvolution<T>&);  // float, double
template <class T>
void run(const ConvolutionWeight<T>&);  // float, double
}  // namespace cuda

}  // namespace elbow::kernels
