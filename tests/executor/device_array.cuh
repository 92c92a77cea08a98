#pragma once
// Device memory of the tests that launch kernels of their own.
#include <string>
#include <vector>

#include "kernels/launch.cuh"

namespace elbow::test {

/// Why no kernel can be launched here; empty if one can.
inline std::string why_no_device() {
  int devices = 0;
  const cudaError_t error = cudaGetDeviceCount(&devices);
  return error == cudaSuccess ? "" : cudaGetErrorString(error);
}

/// Host code's array on the device. Throws DeviceError where the runtime reports an error.
template <class T>
class DeviceArray {
 public:
  explicit DeviceArray(std::size_t count) : count_(count) {
    check(cudaMalloc(reinterpret_cast<void**>(&memory_), count * sizeof(T)), "allocate");
  }
  explicit DeviceArray(const std::vector<T>& values) : DeviceArray(values.size()) {
    copy(memory_, values.data(), cudaMemcpyHostToDevice);
  }
  ~DeviceArray() { cudaFree(memory_); }
  DeviceArray(const DeviceArray&) = delete;
  DeviceArray& operator=(const DeviceArray&) = delete;

  operator T*() const { return memory_; }

  /// Waits for the kernels launched before.
  std::vector<T> to_vector() const {
    std::vector<T> values(count_);
    copy(values.data(), memory_, cudaMemcpyDeviceToHost);
    return values;
  }

 private:
  void copy(T* to, const T* from, cudaMemcpyKind kind) const {
    check(cudaMemcpyAsync(to, from, count_ * sizeof(T), kind, kernels::cuda::stream()), "copy");
    check(cudaStreamSynchronize(kernels::cuda::stream()), "copy");
  }
  void check(cudaError_t error, const char* what) const {
    if (error == cudaSuccess) return;
    throw DeviceError("[" + std::string(what) + "] " + std::to_string(count_ * sizeof(T)) +
                      " bytes: " + cudaGetErrorString(error));
  }

  std::size_t count_;
  T* memory_ = nullptr;
};

}  // namespace elbow::test
