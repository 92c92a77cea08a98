#pragma once
// cuBLAS: one handle a thread, and errors by name.
#include <cublas_v2.h>

#include <string>

#include "kernels/error.h"
#include "kernels/launch.cuh"

namespace elbow::kernels::cuda {

/// Throws DeviceError that names the operation and the call that failed.
inline void check_blas(const char* operation, cublasStatus_t status, const char* call) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  throw DeviceError("[" + std::string(operation) + "] " + call + " failed: " + cublasGetStatusString(status));
}

/// This thread's cuBLAS, on its stream, in the precision of the operands.
class Blas {
 public:
  /// `operation`: who asks, for the error if cuBLAS cannot be had.
  static cublasHandle_t handle(const char* operation) {
    thread_local const Blas instance(operation);
    return instance.handle_;
  }

  ~Blas() { cublasDestroy(handle_); }
  Blas(const Blas&) = delete;
  Blas& operator=(const Blas&) = delete;

 private:
  explicit Blas(const char* operation) {
    check_blas(operation, cublasCreate(&handle_), "cublasCreate");
    try {
      check_blas(operation, cublasSetStream(handle_, stream()), "cublasSetStream");
      check_blas(operation, cublasSetMathMode(handle_, CUBLAS_PEDANTIC_MATH), "cublasSetMathMode");
    } catch (...) {
      cublasDestroy(handle_);
      throw;
    }
  }

  cublasHandle_t handle_ = nullptr;
};

}  // namespace elbow::kernels::cuda
