// cuDNN's three convolutions as far as it documents them for filters in the order NHWC: arguments checked, results added up in
// float64, and a workspace that is asked for and written to. More than that is refused, and so is what the project never wants:
// operands rounded to TF32, an order of sums that changes from call to call.
#include <algorithm>
#include <string>
#include <vector>

#include "tests/executor/cudnn.h"
#include "tests/executor/executor.h"
#include "tests/executor/runtime.h"

using namespace elbow::executor;

namespace {

/// y = x convolved with w, as descriptors.
struct Convolved {
  const cudnnTensorStruct* x;
  const cudnnFilterStruct* w;
  const cudnnConvolutionStruct* by;
  const cudnnTensorStruct* y;

  std::size_t x_count() const { return count(x->n, x->c, x->h, x->w); }
  std::size_t w_count() const { return count(w->k, w->c, w->h, w->w); }
  std::size_t y_count() const { return count(y->n, y->c, y->h, y->w); }

 private:
  static std::size_t count(int a, int b, int c, int d) {
    return static_cast<std::size_t>(a) * static_cast<std::size_t>(b) * static_cast<std::size_t>(c) *
           static_cast<std::size_t>(d);
  }
};

[[noreturn]] void refuse(const char* call, const char* why) {
  throw ExecutionError("[" + std::string(call) + "] " + why);
}

int places(int extent, int padding, int filter, int dilation, int stride) {
  const int room = extent + 2 * padding - (filter - 1) * dilation - 1;
  return room < 0 ? 0 : room / stride + 1;
}

/// What cuDNN says of handle and descriptors.
cudnnStatus_t verdict(const char* call, cudnnHandle_t handle, const Convolved& c) {
  for (const void* object :
       {static_cast<const void*>(handle), static_cast<const void*>(c.x), static_cast<const void*>(c.w),
        static_cast<const void*>(c.by), static_cast<const void*>(c.y)}) {
    require_alive(call, object);
  }
  if (handle->stream != cudaStreamPerThread)
    refuse(call, "runs on another stream than the kernels around it");
  if (!c.x->is_set || !c.w->is_set || !c.by->is_set || !c.y->is_set) return CUDNN_STATUS_BAD_PARAM;
  if (c.x->n != c.y->n || c.x->c != c.w->c || c.y->c != c.w->k ||
      c.y->h != places(c.x->h, c.by->pad_h, c.w->h, c.by->dilation_h, c.by->stride_h) ||
      c.y->w != places(c.x->w, c.by->pad_w, c.w->w, c.by->dilation_w, c.by->stride_w)) {
    return CUDNN_STATUS_BAD_PARAM;
  }
  const bool channels_last = c.x->format == CUDNN_TENSOR_NHWC && c.w->format == CUDNN_TENSOR_NHWC &&
                             c.y->format == CUDNN_TENSOR_NHWC;
  const bool floats = c.x->type == CUDNN_DATA_FLOAT && c.w->type == CUDNN_DATA_FLOAT &&
                      c.y->type == CUDNN_DATA_FLOAT && c.by->type == CUDNN_DATA_FLOAT;
  const bool dense = c.by->dilation_h == 1 && c.by->dilation_w == 1;
  if (!channels_last || !floats || !dense || c.by->mode != CUDNN_CROSS_CORRELATION) {
    return CUDNN_STATUS_NOT_SUPPORTED;
  }
  if (c.by->math != CUDNN_FMA_MATH) refuse(call, "may round operands to TF32");
  return CUDNN_STATUS_SUCCESS;
}

/// The algorithms that are both known here and the same in every call; the others' names say which they are.
bool is_direct(cudnnConvolutionFwdAlgo_t algorithm) {
  return algorithm == CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM;
}
bool is_direct(cudnnConvolutionBwdDataAlgo_t algorithm) {
  return algorithm == CUDNN_CONVOLUTION_BWD_DATA_ALGO_1;
}
bool is_direct(cudnnConvolutionBwdFilterAlgo_t algorithm) {
  return algorithm == CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1;
}

// What is asked for beside the operands. Real numbers are cuDNN's secret; these are what simple implementations would take.
std::size_t wanted(cudnnConvolutionFwdAlgo_t, const Convolved&) { return 0; }
std::size_t wanted(cudnnConvolutionBwdDataAlgo_t, const Convolved& c) { return c.y_count() * sizeof(float); }
std::size_t wanted(cudnnConvolutionBwdFilterAlgo_t, const Convolved& c) {  // one image unfolded
  return c.w_count() / static_cast<std::size_t>(c.w->k) * static_cast<std::size_t>(c.y->h * c.y->w) *
         sizeof(float);
}

template <class Algorithm>
cudnnStatus_t ask(const char* call, cudnnHandle_t handle, const Convolved& c, Algorithm algorithm,
                  std::size_t* bytes) {
  const cudnnStatus_t status = verdict(call, handle, c);
  if (status != CUDNN_STATUS_SUCCESS) return status;
  if (bytes == nullptr) return CUDNN_STATUS_BAD_PARAM;
  if (should_fail(call) || !is_direct(algorithm)) return CUDNN_STATUS_NOT_SUPPORTED;
  *bytes = wanted(algorithm, c);
  return CUDNN_STATUS_SUCCESS;
}

struct Memory {
  const void* data;
  std::size_t bytes;

  float operator[](std::size_t i) const { return static_cast<const float*>(data)[i]; }
};

bool overlap(const Memory& left, const Memory& right) {
  const char *l = static_cast<const char*>(left.data), *r = static_cast<const char*>(right.data);
  return l < r + right.bytes && r < l + left.bytes;
}

/// x, w and y in memory, as long as their descriptors say.
struct Operands {
  Memory x, w, y;

  Operands(const Convolved& c, const void* x, const void* w, const void* y)
      : x{x, c.x_count() * sizeof(float)},
        w{w, c.w_count() * sizeof(float)},
        y{y, c.y_count() * sizeof(float)} {}
};

const Memory& made_by(cudnnConvolutionFwdAlgo_t, const Operands& o) { return o.y; }
const Memory& made_by(cudnnConvolutionBwdDataAlgo_t, const Operands& o) { return o.x; }
const Memory& made_by(cudnnConvolutionBwdFilterAlgo_t, const Operands& o) { return o.w; }

/// An element of each that meet in one product.
struct Meeting {
  std::size_t x, w, y;
};

void add(cudnnConvolutionFwdAlgo_t, const Operands& o, const Meeting& at, double* sums) {
  sums[at.y] += static_cast<double>(o.x[at.x]) * o.w[at.w];
}
void add(cudnnConvolutionBwdDataAlgo_t, const Operands& o, const Meeting& at, double* sums) {
  sums[at.x] += static_cast<double>(o.y[at.y]) * o.w[at.w];
}
void add(cudnnConvolutionBwdFilterAlgo_t, const Operands& o, const Meeting& at, double* sums) {
  sums[at.w] += static_cast<double>(o.x[at.x]) * o.y[at.y];
}

/// Calls use(Meeting) for all of an output pixel (b, i, j) and a place (p, q) of the filter.
template <class Use>
void for_each_channel(const Convolved& c, std::size_t b, int i, int j, int p, int q, Use use) {
  const int row = i * c.by->stride_h + p - c.by->pad_h, column = j * c.by->stride_w + q - c.by->pad_w;
  if (row < 0 || row >= c.x->h || column < 0 || column >= c.x->w) return;
  const std::size_t x = ((b * c.x->h + row) * c.x->w + column) * c.x->c;
  const std::size_t y = ((b * c.y->h + i) * c.y->w + j) * c.y->c;
  for (int k = 0; k < c.y->c; ++k) {
    const std::size_t w = ((static_cast<std::size_t>(k) * c.w->h + p) * c.w->w + q) * c.w->c;
    for (int channel = 0; channel < c.x->c; ++channel) use(Meeting{x + channel, w + channel, y + k});
  }
}

template <class Algorithm>
std::vector<double> sums_of(const Convolved& c, Algorithm algorithm, const Operands& o) {
  std::vector<double> sums(made_by(algorithm, o).bytes / sizeof(float));
  double* const to = sums.data();
  for (int b = 0; b < c.y->n; ++b) {
    for (int i = 0; i < c.y->h; ++i) {
      for (int j = 0; j < c.y->w; ++j) {
        for (int p = 0; p < c.w->h; ++p) {
          for (int q = 0; q < c.w->w; ++q) {
            for_each_channel(c, static_cast<std::size_t>(b), i, j, p, q,
                             [&](const Meeting& at) { add(algorithm, o, at, to); });
          }
        }
      }
    }
  }
  return sums;
}

/// What a call is given beside its operands.
struct Rest {
  const void *alpha, *beta;
  void* workspace;
  std::size_t workspace_bytes;
};

void require_memory(const char* call, const Operands& o, const Memory& output, const Rest& rest) {
  require_host_memory(call, rest.alpha);
  require_host_memory(call, rest.beta);
  const Memory workspace{rest.workspace, rest.workspace_bytes};
  require_device_memory(call, workspace.data, workspace.bytes);
  for (const Memory* operand : {&o.x, &o.w, &o.y}) {
    require_device_memory(call, operand->data, operand->bytes);
    if (overlap(*operand, workspace)) refuse(call, "the workspace overlaps an operand");
    if (operand != &output && overlap(*operand, output)) refuse(call, "the output overlaps an operand");
  }
}

template <class Algorithm>
cudnnStatus_t compute(const char* call, cudnnHandle_t handle, const Convolved& c, Algorithm algorithm,
                      const void* x, const void* w, const void* y, const Rest& rest) {
  const cudnnStatus_t status = verdict(call, handle, c);
  if (status != CUDNN_STATUS_SUCCESS) return status;
  if (!is_direct(algorithm)) return CUDNN_STATUS_NOT_SUPPORTED;
  if (x == nullptr || w == nullptr || y == nullptr || rest.alpha == nullptr || rest.beta == nullptr ||
      rest.workspace_bytes < wanted(algorithm, c)) {
    return CUDNN_STATUS_BAD_PARAM;
  }
  const Operands operands(c, x, w, y);
  const Memory& output = made_by(algorithm, operands);
  require_memory(call, operands, output, rest);
  if (should_fail(call)) return CUDNN_STATUS_EXECUTION_FAILED;

  std::fill_n(static_cast<unsigned char*>(rest.workspace), rest.workspace_bytes, 0xff);  // NaN
  const std::vector<double> sums = sums_of(c, algorithm, operands);
  const float alpha = *static_cast<const float*>(rest.alpha), beta = *static_cast<const float*>(rest.beta);
  float* const to = static_cast<float*>(const_cast<void*>(output.data));
  for (std::size_t i = 0; i < sums.size(); ++i) {
    // With beta == 0 what the output holds is not read: it may be NaN.
    const double kept = beta == 0 ? 0 : static_cast<double>(beta) * to[i];
    to[i] = static_cast<float>(alpha * sums[i] + kept);
  }
  return CUDNN_STATUS_SUCCESS;
}

}  // namespace

cudnnStatus_t cudnnGetConvolutionForwardWorkspaceSize(cudnnHandle_t handle, cudnnTensorDescriptor_t x,
                                                      cudnnFilterDescriptor_t w,
                                                      cudnnConvolutionDescriptor_t by,
                                                      cudnnTensorDescriptor_t y,
                                                      cudnnConvolutionFwdAlgo_t algorithm,
                                                      std::size_t* bytes) {
  return ask("cudnnGetConvolutionForwardWorkspaceSize", handle, {x, w, by, y}, algorithm, bytes);
}

cudnnStatus_t cudnnGetConvolutionBackwardDataWorkspaceSize(cudnnHandle_t handle, cudnnFilterDescriptor_t w,
                                                           cudnnTensorDescriptor_t y,
                                                           cudnnConvolutionDescriptor_t by,
                                                           cudnnTensorDescriptor_t x,
                                                           cudnnConvolutionBwdDataAlgo_t algorithm,
                                                           std::size_t* bytes) {
  return ask("cudnnGetConvolutionBackwardDataWorkspaceSize", handle, {x, w, by, y}, algorithm, bytes);
}

cudnnStatus_t cudnnGetConvolutionBackwardFilterWorkspaceSize(cudnnHandle_t handle, cudnnTensorDescriptor_t x,
                                                             cudnnTensorDescriptor_t y,
                                                             cudnnConvolutionDescriptor_t by,
                                                             cudnnFilterDescriptor_t w,
                                                             cudnnConvolutionBwdFilterAlgo_t algorithm,
                                                             std::size_t* bytes) {
  return ask("cudnnGetConvolutionBackwardFilterWorkspaceSize", handle, {x, w, by, y}, algorithm, bytes);
}

cudnnStatus_t cudnnConvolutionForward(cudnnHandle_t handle, const void* alpha, cudnnTensorDescriptor_t x,
                                      const void* x_data, cudnnFilterDescriptor_t w, const void* w_data,
                                      cudnnConvolutionDescriptor_t by, cudnnConvolutionFwdAlgo_t algorithm,
                                      void* workspace, std::size_t bytes, const void* beta,
                                      cudnnTensorDescriptor_t y, void* y_data) {
  return compute("cudnnConvolutionForward", handle, {x, w, by, y}, algorithm, x_data, w_data, y_data,
                 {alpha, beta, workspace, bytes});
}

cudnnStatus_t cudnnConvolutionBackwardData(cudnnHandle_t handle, const void* alpha, cudnnFilterDescriptor_t w,
                                           const void* w_data, cudnnTensorDescriptor_t y, const void* y_data,
                                           cudnnConvolutionDescriptor_t by,
                                           cudnnConvolutionBwdDataAlgo_t algorithm, void* workspace,
                                           std::size_t bytes, const void* beta, cudnnTensorDescriptor_t x,
                                           void* x_data) {
  return compute("cudnnConvolutionBackwardData", handle, {x, w, by, y}, algorithm, x_data, w_data, y_data,
                 {alpha, beta, workspace, bytes});
}

cudnnStatus_t cudnnConvolutionBackwardFilter(cudnnHandle_t handle, const void* alpha,
                                             cudnnTensorDescriptor_t x, const void* x_data,
                                             cudnnTensorDescriptor_t y, const void* y_data,
                                             cudnnConvolutionDescriptor_t by,
                                             cudnnConvolutionBwdFilterAlgo_t algorithm, void* workspace,
                                             std::size_t bytes, const void* beta, cudnnFilterDescriptor_t w,
                                             void* w_data) {
  return compute("cudnnConvolutionBackwardFilter", handle, {x, w, by, y}, algorithm, x_data, w_data, y_data,
                 {alpha, beta, workspace, bytes});
}
