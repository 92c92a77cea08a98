#include "kernels/convolution_dnn.cuh"

#include <algorithm>

#include "kernels/copy.h"
#include "kernels/dnn.cuh"

// Convolution is cuDNN's forward pass, TransposedConvolution its gradient by the image, ConvolutionWeight that by the filter.
// Images are in cuDNN's order NHWC already. With them it takes a filter in no other order than (small channels, kernel,
// kernel, large channels), which is the transpose of our weight as a matrix; so a weight goes through the workspace.
namespace elbow::kernels::cuda {

// Of cuDNN's algorithms, those that add up the products of the definition, in the same order every time.
constexpr auto make_small = CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM;
constexpr auto make_large = CUDNN_CONVOLUTION_BWD_DATA_ALGO_1;
constexpr auto make_weight = CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1;
constexpr float one = 1, zero = 0;

namespace {

void transpose(const float* from, Index rows, Index columns, float* to) {
  run(Copy<float>{{1, 1, 1, rows, columns}, {0, 0, 0, columns, 1}, {0, 0, 0, 1, rows}, from, to});
}

void set_image(const Dnn& dnn, cudnnTensorDescriptor_t image, Index batch, Index channels, Index height,
               Index width) {
  check_dnn(dnn.call.cudnnSetTensor4dDescriptor(image, CUDNN_TENSOR_NHWC, CUDNN_DATA_FLOAT,
                                                static_cast<int>(batch), static_cast<int>(channels),
                                                static_cast<int>(height), static_cast<int>(width)),
            "cudnnSetTensor4dDescriptor");
}

/// This thread's cuDNN, told of the convolution.
const Dnn& dnn_for(const ConvolutionShape& s) {
  const Dnn& dnn = Dnn::of_thread();
  const int kernel = static_cast<int>(s.kernel), stride = static_cast<int>(s.stride),
            padding = static_cast<int>(s.padding);
  set_image(dnn, dnn.large, s.batch, s.large_channels, s.large_height, s.large_width);
  set_image(dnn, dnn.small, s.batch, s.small_channels, s.small_height, s.small_width);
  check_dnn(dnn.call.cudnnSetFilter4dDescriptor(dnn.weight, CUDNN_DATA_FLOAT, CUDNN_TENSOR_NHWC,
                                                static_cast<int>(s.small_channels),
                                                static_cast<int>(s.large_channels), kernel, kernel),
            "cudnnSetFilter4dDescriptor");
  check_dnn(dnn.call.cudnnSetConvolution2dDescriptor(dnn.convolution, padding, padding, stride, stride, 1, 1,
                                                     CUDNN_CROSS_CORRELATION, CUDNN_DATA_FLOAT),
            "cudnnSetConvolution2dDescriptor");
  check_dnn(dnn.call.cudnnSetConvolutionMathType(dnn.convolution, CUDNN_FMA_MATH),
            "cudnnSetConvolutionMathType");
  return dnn;
}

/// From the answer to the question how many bytes cuDNN wants.
bool can_do(const ConvolutionShape& s, cudnnStatus_t answer, std::size_t bytes, const char* question) {
  if (CUDNN_STATUS_CATEGORY(answer) == CUDNN_STATUS_NOT_SUPPORTED) return false;
  check_dnn(answer, question);
  const DnnWorkspace at(s);
  return bytes <= static_cast<std::size_t>(at.end - at.own) * sizeof(float);
}

}  // namespace

bool has_dnn() { return dnn_functions() != nullptr; }

bool suits_dnn(const ConvolutionShape& s) {
  constexpr Index most = 0x7fffffff;  // elements of what cuDNN takes
  const auto is_filled = [&s](Index large, Index small) {
    return small == (large + 2 * s.padding - s.kernel) / s.stride + 1;
  };
  return s.multiply_adds() >= dnn_from && has_dnn() &&
         std::max({s.large_count(), s.small_count(), s.weight_count()}) <= most &&
         is_filled(s.large_height, s.small_height) && is_filled(s.large_width, s.small_width);
}

bool run_dnn(const Convolution<float>& a) {
  const Range family("convolution_dnn");
  const ConvolutionShape& s = a.shape;
  const Dnn& dnn = dnn_for(s);
  std::size_t bytes = 0;
  const cudnnStatus_t answer = dnn.call.cudnnGetConvolutionForwardWorkspaceSize(
      dnn.handle, dnn.large, dnn.weight, dnn.convolution, dnn.small, make_small, &bytes);
  if (!can_do(s, answer, bytes, "cudnnGetConvolutionForwardWorkspaceSize")) return false;
  transpose(a.weight, s.kernel * s.kernel * s.large_channels, s.small_channels, a.workspace);
  check_dnn(dnn.call.cudnnConvolutionForward(dnn.handle, &one, dnn.large, a.large, dnn.weight, a.workspace,
                                             dnn.convolution, make_small, a.workspace + DnnWorkspace(s).own,
                                             bytes, &zero, dnn.small, a.small),
            "cudnnConvolutionForward");
  if (a.bias != nullptr || a.relu)
    launch_convolution_finish(a.small, s.small_count(), s.small_channels, a.bias, a.relu);
  return true;
}

bool run_dnn(const TransposedConvolution<float>& a) {
  const Range family("convolution_dnn");
  const ConvolutionShape& s = a.shape;
  const Dnn& dnn = dnn_for(s);
  std::size_t bytes = 0;
  const cudnnStatus_t answer = dnn.call.cudnnGetConvolutionBackwardDataWorkspaceSize(
      dnn.handle, dnn.weight, dnn.small, dnn.convolution, dnn.large, make_large, &bytes);
  if (!can_do(s, answer, bytes, "cudnnGetConvolutionBackwardDataWorkspaceSize")) return false;
  transpose(a.weight, s.kernel * s.kernel * s.large_channels, s.small_channels, a.workspace);
  check_dnn(dnn.call.cudnnConvolutionBackwardData(
                dnn.handle, &one, dnn.weight, a.workspace, dnn.small, a.small, dnn.convolution, make_large,
                a.workspace + DnnWorkspace(s).own, bytes, &zero, dnn.large, a.large),
            "cudnnConvolutionBackwardData");
  if (a.bias != nullptr || a.relu)
    launch_convolution_finish(a.large, s.large_count(), s.large_channels, a.bias, a.relu);
  return true;
}

bool run_dnn(const ConvolutionWeight<float>& a) {
  const Range family("convolution_dnn");
  const ConvolutionShape& s = a.shape;
  const Dnn& dnn = dnn_for(s);
  std::size_t bytes = 0;
  const cudnnStatus_t answer = dnn.call.cudnnGetConvolutionBackwardFilterWorkspaceSize(
      dnn.handle, dnn.large, dnn.small, dnn.convolution, dnn.weight, make_weight, &bytes);
  if (!can_do(s, answer, bytes, "cudnnGetConvolutionBackwardFilterWorkspaceSize")) return false;
  check_dnn(dnn.call.cudnnConvolutionBackwardFilter(
                dnn.handle, &one, dnn.large, a.large, dnn.small, a.small, dnn.convolution, make_weight,
                a.workspace + DnnWorkspace(s).own, bytes, &zero, dnn.weight, a.workspace),
            "cudnnConvolutionBackwardFilter");
  transpose(a.workspace, s.small_channels, s.kernel * s.kernel * s.large_channels, a.weight);
  return true;
}

}  // namespace elbow::kernels::cuda
