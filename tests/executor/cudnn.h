#pragma once
// What the files that stand in for cuDNN share: its objects.
#include <cudnn.h>

#include <cstddef>

struct cudnnContext {
  cudaStream_t stream = nullptr;
};

struct cudnnTensorStruct {
  bool is_set = false;
  cudnnTensorFormat_t format{};
  cudnnDataType_t type{};
  int n = 0, c = 0, h = 0, w = 0;
};

struct cudnnFilterStruct {
  bool is_set = false;
  cudnnTensorFormat_t format{};
  cudnnDataType_t type{};
  int k = 0, c = 0, h = 0, w = 0;
};

struct cudnnConvolutionStruct {
  bool is_set = false;
  int pad_h = 0, pad_w = 0, stride_h = 0, stride_w = 0, dilation_h = 0, dilation_w = 0;
  cudnnConvolutionMode_t mode{};
  cudnnDataType_t type{};
  cudnnMathType_t math = CUDNN_DEFAULT_MATH;
};

namespace elbow::executor {

/// Throws ExecutionError unless `object` was created and not destroyed.
void require_alive(const char* call, const void* object);

/// Handles and descriptors that were created and not destroyed.
std::size_t live_dnn_objects();

}  // namespace elbow::executor
