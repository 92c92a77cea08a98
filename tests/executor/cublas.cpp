// cuBLAS's handles and matrix products as far as the project calls them: arguments checked as cuBLAS documents them,
// handles watched from creation to destruction, results computed in float64. Factors and inverses: cublas_batched.cpp.
#include "tests/executor/cublas.h"

#include <algorithm>
#include <cstdint>
#include <mutex>
#include <set>
#include <string>
#include <utility>

#include "tests/executor/executor.h"
#include "tests/executor/runtime.h"

struct cublasContext {
  cudaStream_t stream = nullptr;
};

using namespace elbow::executor;

namespace {

std::mutex handles_mutex;
std::set<cublasContext*> handles;  // guarded by handles_mutex

/// Throws ExecutionError unless the handle is one that is alive.
void require_handle(const char* call, cublasContext* handle) {
  const std::lock_guard lock(handles_mutex);
  if (handles.count(handle) == 0) {
    throw ExecutionError("[" + std::string(call) + "] the handle was not created, or destroyed before");
  }
}

}  // namespace

void elbow::executor::require_usable(const char* call, cublasContext* handle) {
  require_handle(call, handle);
  if (handle->stream != cudaStreamPerThread) {
    throw ExecutionError("[" + std::string(call) + "] runs on another stream than the kernels around it");
  }
}

namespace {

/// A batch of matrices, each with columns one after the other, transposed or not.
template <class T>
struct Operand {
  T* data;
  cublasOperation_t operation;
  std::int64_t leading;
  std::int64_t stride;

  T& at(std::int64_t batch, std::int64_t row, std::int64_t column) const {
    if (operation != CUBLAS_OP_N) std::swap(row, column);
    return data[batch * stride + column * leading + row];
  }
  /// Stored columns are as long as the matrix has rows; after its last element nothing needs to be there.
  bool valid(std::int64_t rows, std::int64_t columns) const {
    return leading >= std::max<std::int64_t>(1, operation == CUBLAS_OP_N ? rows : columns);
  }
  void require_memory(const char* call, std::int64_t batches, std::int64_t rows, std::int64_t columns) const {
    if (operation != CUBLAS_OP_N) std::swap(rows, columns);
    if (batches * rows * columns == 0) return;
    const std::int64_t elements = (batches - 1) * stride + (columns - 1) * leading + rows;
    require_device_memory(call, data, static_cast<std::size_t>(elements) * sizeof(T));
  }
};

template <class T>
cublasStatus_t multiply(const char* call, cublasContext* handle, std::int64_t rows, std::int64_t columns,
                        std::int64_t depth, T alpha, Operand<const T> left, Operand<const T> right, T beta,
                        Operand<T> output, std::int64_t batches) {
  require_usable(call, handle);
  if (should_fail(call)) return CUBLAS_STATUS_EXECUTION_FAILED;
  if (rows < 0 || columns < 0 || depth < 0 || batches < 0 || !left.valid(rows, depth) ||
      !right.valid(depth, columns) || !output.valid(rows, columns)) {
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  left.require_memory(call, batches, rows, depth);
  right.require_memory(call, batches, depth, columns);
  output.require_memory(call, batches, rows, columns);
  for (std::int64_t b = 0; b < batches; ++b) {
    for (std::int64_t c = 0; c < columns; ++c) {
      for (std::int64_t r = 0; r < rows; ++r) {
        double sum = 0;
        for (std::int64_t k = 0; k < depth; ++k) {
          sum += static_cast<double>(left.at(b, r, k)) * static_cast<double>(right.at(b, k, c));
        }
        // With beta == 0 what the output holds is not read: it may be NaN.
        const double kept = beta == T(0) ? 0 : static_cast<double>(beta) * output.at(b, r, c);
        output.at(b, r, c) = static_cast<T>(alpha * sum + kept);
      }
    }
  }
  return CUBLAS_STATUS_SUCCESS;
}

}  // namespace

cublasStatus_t cublasCreate_v2(cublasHandle_t* handle) {
  *handle = nullptr;
  if (should_fail("cublasCreate")) return CUBLAS_STATUS_NOT_INITIALIZED;
  const std::lock_guard lock(handles_mutex);
  *handle = *handles.insert(new cublasContext).first;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasDestroy_v2(cublasHandle_t handle) {
  require_handle("cublasDestroy", handle);
  const std::lock_guard lock(handles_mutex);
  handles.erase(handle);
  delete handle;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetStream_v2(cublasHandle_t handle, cudaStream_t stream) {
  require_handle("cublasSetStream", handle);
  if (should_fail("cublasSetStream")) return CUBLAS_STATUS_NOT_INITIALIZED;
  handle->stream = stream;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetMathMode(cublasHandle_t handle, cublasMath_t) {
  require_handle("cublasSetMathMode", handle);
  return should_fail("cublasSetMathMode") ? CUBLAS_STATUS_NOT_INITIALIZED : CUBLAS_STATUS_SUCCESS;
}

const char* cublasGetStatusString(cublasStatus_t status) {
  switch (status) {
    case CUBLAS_STATUS_SUCCESS:
      return "the operation completed successfully";
    case CUBLAS_STATUS_NOT_INITIALIZED:
      return "the library was not initialized";
    case CUBLAS_STATUS_INVALID_VALUE:
      return "an invalid value was passed";
    case CUBLAS_STATUS_EXECUTION_FAILED:
      return "the function failed to launch on the GPU";
    default:
      return "unknown";
  }
}

cublasStatus_t cublasSgemmStridedBatched(cublasHandle_t handle, cublasOperation_t left_operation,
                                         cublasOperation_t right_operation, int rows, int columns, int depth,
                                         const float* alpha, const float* left, int left_leading,
                                         long long left_stride, const float* right, int right_leading,
                                         long long right_stride, const float* beta, float* output,
                                         int output_leading, long long output_stride, int batches) {
  return multiply<float>("cublasSgemmStridedBatched", handle, rows, columns, depth, *alpha,
                         {left, left_operation, left_leading, left_stride},
                         {right, right_operation, right_leading, right_stride}, *beta,
                         {output, CUBLAS_OP_N, output_leading, output_stride}, batches);
}

cublasStatus_t cublasDgemmStridedBatched(cublasHandle_t handle, cublasOperation_t left_operation,
                                         cublasOperation_t right_operation, int rows, int columns, int depth,
                                         const double* alpha, const double* left, int left_leading,
                                         long long left_stride, const double* right, int right_leading,
                                         long long right_stride, const double* beta, double* output,
                                         int output_leading, long long output_stride, int batches) {
  return multiply<double>("cublasDgemmStridedBatched", handle, rows, columns, depth, *alpha,
                          {left, left_operation, left_leading, left_stride},
                          {right, right_operation, right_leading, right_stride}, *beta,
                          {output, CUBLAS_OP_N, output_leading, output_stride}, batches);
}
