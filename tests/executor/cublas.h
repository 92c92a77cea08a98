#pragma once
// What the files that stand in for cuBLAS share.
#include <cublas_v2.h>

namespace elbow::executor {

/// Throws ExecutionError unless the handle is one that is alive, on the stream of the kernels around the call.
void require_usable(const char* call, cublasContext* handle);

}  // namespace elbow::executor
