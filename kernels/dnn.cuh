#pragma once
// cuDNN: what each thread has of it, and errors by name.
#include <string>

#include "kernels/dnn_functions.cuh"
#include "kernels/error.h"
#include "kernels/launch.cuh"

namespace elbow::kernels::cuda {

/// Throws DeviceError that names the call that failed.
inline void check_dnn(cudnnStatus_t status, const char* call) {
  if (status == CUDNN_STATUS_SUCCESS) return;
  throw DeviceError("[convolution] " + std::string(call) +
                    " failed: " + dnn_functions()->cudnnGetErrorString(status));
}

/// One of cuDNN's objects, from creation to destruction.
template <class Object, auto create, auto destroy>
class DnnObject {
 public:
  explicit DnnObject(const char* call) { check_dnn((dnn_functions()->*create)(&object_), call); }
  ~DnnObject() { (dnn_functions()->*destroy)(object_); }
  DnnObject(const DnnObject&) = delete;
  DnnObject& operator=(const DnnObject&) = delete;
  operator Object() const { return object_; }

 private:
  Object object_ = nullptr;
};

using DnnHandle = DnnObject<cudnnHandle_t, &DnnFunctions::cudnnCreate, &DnnFunctions::cudnnDestroy>;
using DnnTensor = DnnObject<cudnnTensorDescriptor_t, &DnnFunctions::cudnnCreateTensorDescriptor,
                            &DnnFunctions::cudnnDestroyTensorDescriptor>;
using DnnFilter = DnnObject<cudnnFilterDescriptor_t, &DnnFunctions::cudnnCreateFilterDescriptor,
                            &DnnFunctions::cudnnDestroyFilterDescriptor>;
using DnnConvolution =
    DnnObject<cudnnConvolutionDescriptor_t, &DnnFunctions::cudnnCreateConvolutionDescriptor,
              &DnnFunctions::cudnnDestroyConvolutionDescriptor>;

/// This thread's cuDNN, on its stream. Precondition of its use: dnn_functions().
struct Dnn {
  const DnnFunctions& call = *dnn_functions();
  DnnHandle handle{"cudnnCreate"};
  // Set anew for each convolution.
  DnnTensor large{"cudnnCreateTensorDescriptor"}, small{"cudnnCreateTensorDescriptor"};
  DnnFilter weight{"cudnnCreateFilterDescriptor"};
  DnnConvolution convolution{"cudnnCreateConvolutionDescriptor"};

  static const Dnn& of_thread() {
    thread_local const Dnn instance;
    return instance;
  }

 private:
  Dnn() { check_dnn(call.cudnnSetStream(handle, stream()), "cudnnSetStream"); }
};

}  // namespace elbow::kernels::cuda
