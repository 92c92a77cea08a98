// cuDNN's handles and descriptors as far as the project calls them, watched from creation to destruction. What is computed with
// them: cudnn_convolution.cpp.
#include "tests/executor/cudnn.h"

#include <mutex>
#include <set>
#include <string>

#include "kernels/dnn_functions.cuh"
#include "tests/executor/executor.h"
#include "tests/executor/runtime.h"

using namespace elbow::executor;

namespace {

std::mutex objects_mutex;
std::set<const void*> objects;  // guarded by objects_mutex

template <class Object>
cudnnStatus_t create(const char* call, Object** object) {
  if (object == nullptr) return CUDNN_STATUS_BAD_PARAM;
  *object = nullptr;
  if (should_fail(call)) return CUDNN_STATUS_NOT_INITIALIZED;
  const std::lock_guard lock(objects_mutex);
  *object = new Object;
  objects.insert(*object);
  return CUDNN_STATUS_SUCCESS;
}

template <class Object>
cudnnStatus_t destroy(const char* call, Object* object) {
  require_alive(call, object);
  const std::lock_guard lock(objects_mutex);
  objects.erase(object);
  delete object;
  return CUDNN_STATUS_SUCCESS;
}

/// Gives the object this value if cuDNN would.
template <class Object>
cudnnStatus_t set(const char* call, Object* object, const Object& value, bool valid) {
  require_alive(call, object);
  if (should_fail(call) || !valid) return CUDNN_STATUS_BAD_PARAM;
  *object = value;
  return CUDNN_STATUS_SUCCESS;
}

}  // namespace

void elbow::executor::require_alive(const char* call, const void* object) {
  const std::lock_guard lock(objects_mutex);
  if (objects.count(object) == 0) {
    throw ExecutionError("[" + std::string(call) + "] an object was not created, or destroyed before");
  }
}

std::size_t elbow::executor::live_dnn_objects() {
  const std::lock_guard lock(objects_mutex);
  return objects.size();
}

const elbow::kernels::cuda::DnnFunctions* elbow::kernels::cuda::dnn_functions() {
#define ELBOW_DNN_ADDRESS(name) &::name,
  static const DnnFunctions functions{ELBOW_DNN_FUNCTIONS(ELBOW_DNN_ADDRESS)};
#undef ELBOW_DNN_ADDRESS
  return &functions;
}

const char* cudnnGetErrorString(cudnnStatus_t status) {
  switch (CUDNN_STATUS_CATEGORY(status)) {
    case CUDNN_STATUS_SUCCESS:
      return "CUDNN_STATUS_SUCCESS";
    case CUDNN_STATUS_BAD_PARAM:
      return "CUDNN_STATUS_BAD_PARAM";
    case CUDNN_STATUS_NOT_SUPPORTED:
      return "CUDNN_STATUS_NOT_SUPPORTED";
    case CUDNN_STATUS_EXECUTION_FAILED:
      return "CUDNN_STATUS_EXECUTION_FAILED";
    default:
      return "CUDNN_STATUS_NOT_INITIALIZED";
  }
}

cudnnStatus_t cudnnCreate(cudnnHandle_t* handle) { return create("cudnnCreate", handle); }

cudnnStatus_t cudnnDestroy(cudnnHandle_t handle) { return destroy("cudnnDestroy", handle); }

cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream) {
  return set("cudnnSetStream", handle, {stream}, true);
}

cudnnStatus_t cudnnCreateTensorDescriptor(cudnnTensorDescriptor_t* tensor) {
  return create("cudnnCreateTensorDescriptor", tensor);
}

cudnnStatus_t cudnnDestroyTensorDescriptor(cudnnTensorDescriptor_t tensor) {
  return destroy("cudnnDestroyTensorDescriptor", tensor);
}

cudnnStatus_t cudnnSetTensor4dDescriptor(cudnnTensorDescriptor_t tensor, cudnnTensorFormat_t format,
                                         cudnnDataType_t type, int n, int c, int h, int w) {
  return set("cudnnSetTensor4dDescriptor", tensor, {true, format, type, n, c, h, w},
             n > 0 && c > 0 && h > 0 && w > 0);
}

cudnnStatus_t cudnnCreateFilterDescriptor(cudnnFilterDescriptor_t* filter) {
  return create("cudnnCreateFilterDescriptor", filter);
}

cudnnStatus_t cudnnDestroyFilterDescriptor(cudnnFilterDescriptor_t filter) {
  return destroy("cudnnDestroyFilterDescriptor", filter);
}

cudnnStatus_t cudnnSetFilter4dDescriptor(cudnnFilterDescriptor_t filter, cudnnDataType_t type,
                                         cudnnTensorFormat_t format, int k, int c, int h, int w) {
  return set("cudnnSetFilter4dDescriptor", filter, {true, format, type, k, c, h, w},
             k > 0 && c > 0 && h > 0 && w > 0);
}

cudnnStatus_t cudnnCreateConvolutionDescriptor(cudnnConvolutionDescriptor_t* convolution) {
  return create("cudnnCreateConvolutionDescriptor", convolution);
}

cudnnStatus_t cudnnDestroyConvolutionDescriptor(cudnnConvolutionDescriptor_t convolution) {
  return destroy("cudnnDestroyConvolutionDescriptor", convolution);
}

/// The type of mathematics is then the default.
cudnnStatus_t cudnnSetConvolution2dDescriptor(cudnnConvolutionDescriptor_t convolution, int pad_h, int pad_w,
                                              int stride_h, int stride_w, int dilation_h, int dilation_w,
                                              cudnnConvolutionMode_t mode, cudnnDataType_t type) {
  return set("cudnnSetConvolution2dDescriptor", convolution,
             {true, pad_h, pad_w, stride_h, stride_w, dilation_h, dilation_w, mode, type, CUDNN_DEFAULT_MATH},
             pad_h >= 0 && pad_w >= 0 && stride_h > 0 && stride_w > 0 && dilation_h > 0 && dilation_w > 0);
}

cudnnStatus_t cudnnSetConvolutionMathType(cudnnConvolutionDescriptor_t convolution, cudnnMathType_t math) {
  require_alive("cudnnSetConvolutionMathType", convolution);
  if (should_fail("cudnnSetConvolutionMathType")) return CUDNN_STATUS_BAD_PARAM;
  convolution->math = math;
  return CUDNN_STATUS_SUCCESS;
}
