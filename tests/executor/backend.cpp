// The executor as a back end of the engine: the CUDA back end of kernels/cuda_backend.cu under a name of its own.
#include "kernels/backend.h"

extern "C" elbow::kernels::EntryPoint elbow_cuda_backend;

extern "C" const elbow::kernels::Backend* elbow_executor_backend(const char** reason) {
  using elbow::kernels::Backend;
  static const Backend* const cuda = elbow_cuda_backend(reason);
  static const Backend executor = [] {
    Backend backend = cuda == nullptr ? Backend{} : *cuda;
    backend.name = "executor";
    backend.reuses_memory = false;  // so that kernels find nothing but NaN where they have not written
    return backend;
  }();
  return cuda == nullptr ? nullptr : &executor;
}
