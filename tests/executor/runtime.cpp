// The CUDA runtime as the kernels' host code sees it: device memory on the heap, streams that are always done,
// and every call able to fail on demand.
#include "tests/executor/runtime.h"

#include <cuda_profiler_api.h>
#include <cuda_runtime.h>
#include <cxxabi.h>
#include <dlfcn.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>

#include "tests/executor/executor.h"
#include "tests/executor/guarded_memory.h"

namespace elbow::executor {
namespace {

thread_local cudaError_t last_error = cudaSuccess;

cudaError_t with_memory_of(cudaError_t error) {
  if (error != cudaSuccess) last_error = error;
  return error;
}

class Faults {
 public:
  void fail(std::uint64_t nth) {
    const std::lock_guard lock(mutex_);
    due_ = nth;
    calls_ = 0;
    failed_.clear();
  }
  bool meet(const char* function) {
    const std::lock_guard lock(mutex_);
    if (calls_++ != due_) return false;
    failed_ = function;
    return true;
  }
  std::uint64_t calls() {
    const std::lock_guard lock(mutex_);
    return calls_;
  }
  std::string failed() {
    const std::lock_guard lock(mutex_);
    return failed_;
  }

 private:
  std::mutex mutex_;
  std::uint64_t due_ = ~std::uint64_t{0};
  std::uint64_t calls_ = 0;
  std::string failed_;
};

Faults& faults() {
  static Faults instance;
  return instance;
}

/// Blocks of device memory between gaps that are out of bounds.
class Heap {
 public:
  static constexpr std::size_t capacity = std::size_t{8} << 30;
  static constexpr std::size_t alignment = 256;
  static constexpr std::size_t front = 2 * gap_bytes;

  void* allocate(std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    if (bytes > capacity - used_) return nullptr;
    const std::size_t whole = (front + bytes + gap_bytes + alignment - 1) / alignment * alignment;
    auto* memory = static_cast<std::byte*>(std::aligned_alloc(alignment, whole));
    if (memory == nullptr) return nullptr;
    std::byte* const block = memory + front;
    close_memory(memory, front);
    open_memory(block, bytes);
    close_memory(block + bytes, gap_bytes);
    blocks_[block] = bytes;
    used_ += bytes;
    return block;
  }

  bool release(void* block) {
    const std::lock_guard lock(mutex_);
    const auto found = blocks_.find(static_cast<std::byte*>(block));
    if (found == blocks_.end()) return false;
    used_ -= found->second;
    open_memory(found->first - front, front);
    open_memory(found->first + found->second, gap_bytes);
    std::free(found->first - front);
    blocks_.erase(found);
    return true;
  }

  bool holds(const void* memory, std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    const auto* begin = static_cast<const std::byte*>(memory);
    auto after = blocks_.upper_bound(const_cast<std::byte*>(begin));
    if (after == blocks_.begin()) return false;
    const auto& [block, size] = *--after;
    return begin + bytes <= block + size;
  }

  bool intact() {
    const std::lock_guard lock(mutex_);
    for (const auto& [block, bytes] : blocks_) {
      if (!untouched(block - front, front) || !untouched(block + bytes, gap_bytes)) return false;
    }
    return true;
  }

  std::size_t available() {
    const std::lock_guard lock(mutex_);
    return capacity - used_;
  }
  std::size_t count() {
    const std::lock_guard lock(mutex_);
    return blocks_.size();
  }

 private:
  std::mutex mutex_;
  std::map<std::byte*, std::size_t> blocks_;  // begin, bytes
  std::size_t used_ = 0;
};

/// What kernels have asked for beyond the dynamic shared memory that every launch may have.
class SharedMemoryLimits {
 public:
  void set(const void* kernel, std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    limits_[kernel] = bytes;
  }
  std::size_t of(const void* kernel) {
    const std::lock_guard lock(mutex_);
    const auto found = limits_.find(kernel);
    return found == limits_.end() ? always_allowed : std::max(found->second, always_allowed);
  }

 private:
  static constexpr std::size_t always_allowed = 48 * 1024;
  std::mutex mutex_;
  std::map<const void*, std::size_t> limits_;
};

SharedMemoryLimits& shared_memory_limits() {
  static SharedMemoryLimits instance;
  return instance;
}

// Never destroyed: tensors of static storage may outlive everything else, and what a failing cudaFree has left
// behind stays known, so that a leak detector tells it from a leak.
Heap& heap() {
  static Heap& instance = *new Heap;
  return instance;
}

}  // namespace

bool should_fail(const char* function) { return faults().meet(function); }
void fail_call(std::uint64_t nth) { faults().fail(nth); }
std::uint64_t calls() { return faults().calls(); }
std::string failed_call() { return faults().failed(); }
std::size_t live_blocks() { return heap().count(); }

std::size_t most_dynamic_memory(const void* kernel) { return shared_memory_limits().of(kernel); }

std::string name_of_kernel(const void* kernel) {
  Dl_info info{};
  if (dladdr(kernel, &info) == 0 || info.dli_sname == nullptr) return "kernel without a name";
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> name(
      abi::__cxa_demangle(info.dli_sname, nullptr, nullptr, &status), std::free);
  return status == 0 ? name.get() : info.dli_sname;
}

void check_device_memory(const void* kernel) {
  if (!heap().intact()) {
    throw ExecutionError("[" + name_of_kernel(kernel) + "] wrote beside a block of device memory");
  }
}

void require_device_memory(const char* user, const void* memory, std::size_t bytes) {
  if (bytes == 0 || heap().holds(memory, bytes)) return;
  throw ExecutionError("[" + std::string(user) + "] " + std::to_string(bytes) +
                       " bytes do not lie in one block of device memory");
}

void require_host_memory(const char* user, const void* memory) {
  if (heap().holds(memory, 1)) {
    throw ExecutionError("[" + std::string(user) + "] device memory where the host's is expected");
  }
}

}  // namespace elbow::executor

using namespace elbow::executor;

cudaError_t cudaGetLastError() {
  const cudaError_t error = last_error;
  last_error = cudaSuccess;
  return error;
}

const char* cudaGetErrorString(cudaError_t error) {
  switch (error) {
    case cudaSuccess:
      return "no error";
    case cudaErrorInvalidValue:
      return "invalid argument";
    case cudaErrorMemoryAllocation:
      return "out of memory";
    case cudaErrorInvalidConfiguration:
      return "invalid configuration argument";
    case cudaErrorLaunchOutOfResources:
      return "too many resources requested for launch";
    default:
      return "unknown error";
  }
}

cudaError_t cudaMalloc(void** block, std::size_t bytes) {
  *block = nullptr;
  if (should_fail("cudaMalloc")) return with_memory_of(cudaErrorMemoryAllocation);
  *block = heap().allocate(bytes);
  return with_memory_of(*block == nullptr ? cudaErrorMemoryAllocation : cudaSuccess);
}

cudaError_t cudaFree(void* block) {
  if (should_fail("cudaFree")) return with_memory_of(cudaErrorUnknown);
  const bool known = block == nullptr || heap().release(block);
  return with_memory_of(known ? cudaSuccess : cudaErrorInvalidValue);
}

cudaError_t cudaMemGetInfo(std::size_t* available, std::size_t* total) {
  *available = heap().available();
  *total = Heap::capacity;
  return with_memory_of(should_fail("cudaMemGetInfo") ? cudaErrorUnknown : cudaSuccess);
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t) {
  if (should_fail("cudaMemcpyAsync")) return with_memory_of(cudaErrorUnknown);
  if (kind != cudaMemcpyHostToDevice) require_device_memory("cudaMemcpyAsync", from, bytes);
  if (kind != cudaMemcpyDeviceToHost) require_device_memory("cudaMemcpyAsync", to, bytes);
  if (bytes > 0) std::memmove(to, from, bytes);
  return with_memory_of(cudaSuccess);
}

cudaError_t cudaStreamSynchronize(cudaStream_t) {
  return with_memory_of(should_fail("cudaStreamSynchronize") ? cudaErrorUnknown : cudaSuccess);
}

cudaError_t cudaGetDeviceCount(int* count) {
  *count = 1;
  return with_memory_of(should_fail("cudaGetDeviceCount") ? cudaErrorNoDevice : cudaSuccess);
}

cudaError_t cudaDriverGetVersion(int* version) {
  *version = CUDART_VERSION;
  return with_memory_of(should_fail("cudaDriverGetVersion") ? cudaErrorUnknown : cudaSuccess);
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int) {
  *properties = {};
  std::snprintf(properties->name, sizeof(properties->name), "CUDA executor on the CPU");
  properties->major = 9;
  properties->sharedMemPerBlockOptin = most_shared;
  return with_memory_of(should_fail("cudaGetDeviceProperties") ? cudaErrorUnknown : cudaSuccess);
}

cudaError_t cudaFuncSetAttribute(const void* kernel, cudaFuncAttribute attribute, int value) {
  if (should_fail("cudaFuncSetAttribute")) return with_memory_of(cudaErrorUnknown);
  if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize || value < 0 ||
      static_cast<std::size_t>(value) > most_shared) {
    return with_memory_of(cudaErrorInvalidValue);
  }
  shared_memory_limits().set(kernel, static_cast<std::size_t>(value));
  return with_memory_of(cudaSuccess);
}

cudaError_t cudaProfilerStart() {
  return with_memory_of(should_fail("cudaProfilerStart") ? cudaErrorUnknown : cudaSuccess);
}

cudaError_t cudaProfilerStop() {
  return with_memory_of(should_fail("cudaProfilerStop") ? cudaErrorUnknown : cudaSuccess);
}
