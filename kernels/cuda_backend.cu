// The CUDA back end: memory, the table of kernels, and what the module exports (kernels/backend.h).
#include <cuda_profiler_api.h>

#include <cstdlib>
#include <string>

#include "kernels/backend.h"
#include "kernels/convolution_dnn.cuh"
#include "kernels/error.h"
#include "kernels/launch.cuh"
#include "kernels/range.cuh"

namespace elbow::kernels::cuda {
namespace {

void check(cudaError_t error, const char* what, std::size_t bytes) {
  if (error == cudaSuccess) return;
  throw DeviceError("[" + std::string(what) + "] " + std::to_string(bytes) +
                    " bytes: " + cudaGetErrorString(error) + " (a kernel before it may have failed)");
}

void* allocate(std::size_t bytes) {
  void* block = nullptr;
  if (cudaMalloc(&block, bytes) != cudaSuccess) {
    const char* reason = cudaGetErrorString(cudaGetLastError());
    std::size_t free = 0, total = 0;
    cudaMemGetInfo(&free, &total);
    throw DeviceError("[allocate] no " + std::to_string(bytes) + " bytes on the GPU, " +
                      std::to_string(free) + " of its " + std::to_string(total) + " are free: " + reason);
  }
  return block;
}

void release(void* block) { cudaFree(block); }

void copy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind, const char* what) {
  check(cudaMemcpyAsync(to, from, bytes, kind, stream()), what, bytes);
}

void copy_from_host(void* to, const void* from, std::size_t bytes) {
  copy(to, from, bytes, cudaMemcpyHostToDevice, "copy_from_host");
  check(cudaStreamSynchronize(stream()), "copy_from_host", bytes);
}

void copy_to_host(void* to, const void* from, std::size_t bytes) {
  copy(to, from, bytes, cudaMemcpyDeviceToHost, "copy_to_host");
  check(cudaStreamSynchronize(stream()), "copy_to_host", bytes);
}

void copy_on_device(void* to, const void* from, std::size_t bytes) {
  copy(to, from, bytes, cudaMemcpyDeviceToDevice, "copy_on_device");
}

// What goes wrong here is no reason to end a training; kernels that failed are reported by the next copy.
void start_capture() {
  cudaStreamSynchronize(stream());
  cudaProfilerStart();
}

void stop_capture() {
  cudaStreamSynchronize(stream());
  cudaProfilerStop();
}

template <class Arguments>
void call(const Arguments& arguments) {
  run(arguments);
}

template <class Arguments>
inline constexpr bool is_complex = false;
template <template <class> class Contract>
inline constexpr bool is_complex<Contract<Complex>> = true;

/// Chooses the entries of the table.
struct OnGpu {
  template <class Arguments>
  void (*operator()() const)(const Arguments&) {
    if constexpr (is_complex<Arguments>) {
      return nullptr;
    } else {
      return &call<Arguments>;
    }
  }
};

std::string version(int number) {
  return std::to_string(number / 1000) + "." + std::to_string(number % 1000 / 10);
}

/// Why no GPU can be had, one sentence without a full stop; empty if one can. Fills in the GPU's properties.
std::string why_unavailable(cudaDeviceProp& gpu) {
  int devices = 0;
  const cudaError_t error = cudaGetDeviceCount(&devices);
  if (error == cudaErrorInsufficientDriver) {
    int driver = 0;
    cudaDriverGetVersion(&driver);
    if (driver == 0) return "no NVIDIA driver is installed";
    return "the NVIDIA driver supports CUDA " + version(driver) + ", but this build needs CUDA " +
           version(CUDART_VERSION) + ": update the driver";
  }
  if (error == cudaErrorNoDevice || (error == cudaSuccess && devices == 0)) {
    return "no NVIDIA GPU is visible (is CUDA_VISIBLE_DEVICES empty?)";
  }
  if (error != cudaSuccess) return std::string("the NVIDIA driver reports: ") + cudaGetErrorString(error);
  if (const cudaError_t failed = cudaGetDeviceProperties(&gpu, 0); failed != cudaSuccess) {
    return std::string("the GPU cannot be asked what it is: ") + cudaGetErrorString(failed);
  }
  // No version query says as surely as a kernel whether this build runs on this GPU.
  try {
    double number = 0;
    double* block = static_cast<double*>(allocate(2 * sizeof(double)));
    copy_from_host(block, &number, sizeof(double));
    run(Unary<double>{UnaryFunction::shift, 1, 1, block, block + 1});
    copy_to_host(&number, block + 1, sizeof(double));
    release(block);
    if (number == 1) return "";
    return "the " + std::string(gpu.name) + " computes wrong results";
  } catch (const DeviceError& failure) {
    return "the " + std::string(gpu.name) + " (compute capability " + std::to_string(gpu.major) + "." +
           std::to_string(gpu.minor) + ") cannot run this build, made for " ELBOW_CUDA_ARCHITECTURES ": " +
           failure.what();
  }
}

}  // namespace
}  // namespace elbow::kernels::cuda

extern "C" const elbow::kernels::Backend* elbow_cuda_backend(const char** reason) {
  using namespace elbow::kernels;
  static cudaDeviceProp gpu{};
  static const std::string unavailable = cuda::why_unavailable(gpu);
  // Whether there is one decides the order of sums in large convolutions.
  static const std::string description =
      std::string(gpu.name) + (cuda::has_dnn() ? ", with cuDNN" : ", without cuDNN");
  static const Backend backend{"cuda",
                               description.c_str(),
                               cuda::allocate,
                               cuda::release,
                               cuda::copy_from_host,
                               cuda::copy_to_host,
                               cuda::copy_on_device,
                               Kernels::filled_by(cuda::OnGpu{}),
                               {cuda::begin_range, cuda::end_range, cuda::start_capture, cuda::stop_capture},
                               gpu.sharedMemPerBlockOptin,
                               std::getenv("ELBOW_NO_MEMORY_REUSE") == nullptr};  // set for compute-sanitizer
  *reason = unavailable.c_str();
  return unavailable.empty() ? &backend : nullptr;
}
