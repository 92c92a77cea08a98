#pragma once
// The one place that launches CUDA kernels, and the words that kernels are written in.
//
// A kernel is an index mapping plus calls of the scalar formulas that its CPU twin calls too. The same source runs
// on the CPU in the tests, where every device function is one of tests/executor/cuda_language.h: so no triple
// chevrons, no __shared__, no assembler in a kernel file, and no cuda* call. Grids and blocks have one dimension.
#include <cuda_runtime.h>

#include <string>
#include <type_traits>

#include "kernels/error.h"
#include "kernels/range.cuh"
#include "kernels/types.h"

// The executor of the tests, which runs kernels on the CPU, brings its own (tests/executor/cuda_language.h).
#ifndef ELBOW_SHARED
/// Declares `name`, an uninitialised array of `count` T (arrays too) that the threads of a block share.
#define ELBOW_SHARED(T, name, count) __shared__ alignas(16) T name[count]
/// Declares `name`, a T* to the block's dynamic shared memory: Grid::shared_bytes of it, uninitialised too.
#define ELBOW_DYNAMIC_SHARED(T, name)                           \
  extern __shared__ __align__(16) unsigned char elbow_shared[]; \
  T* const name = reinterpret_cast<T*>(elbow_shared)
/// After a lambda's parameters: its code goes where it is called, however long it is.
#define ELBOW_INLINED __attribute__((always_inline))
#include <cuda_pipeline_primitives.h>
#endif

namespace elbow::kernels::cuda {

__device__ __forceinline__ int thread_index() { return static_cast<int>(threadIdx.x); }
__device__ __forceinline__ Index block_index() { return static_cast<Index>(blockIdx.x); }

/// This thread among all threads of the grid, and how many there are: a kernel launched `per_element` loops
///   for (Index i = global_index(); i < size; i += global_threads())
__device__ __forceinline__ Index global_index() { return block_index() * blockDim.x + threadIdx.x; }
__device__ __forceinline__ Index global_threads() { return static_cast<Index>(gridDim.x) * blockDim.x; }

/// Sums each group of `width` neighbouring lanes by halving: lane p takes lane p + width/2, then p + width/4,
/// ... The group's first lane holds the result. Every lane of the warp must call it.
template <int width>
__device__ __forceinline__ double sum_by_halving(double value) {
  for (int half = width / 2; half > 0; half /= 2) value += __shfl_down_sync(0xffffffffu, value, half, width);
  return value;
}

/// Where this thread's kernels, copies and library calls run, in order.
inline cudaStream_t stream() { return cudaStreamPerThread; }

struct Grid {
  Index blocks;
  int threads;                   ///< per block
  std::size_t shared_bytes = 0;  ///< of dynamic shared memory per block
};

/// For kernels that stride over `count` elements. The cap on the grid is enough to fill any GPU twice.
inline Grid per_element(Index count) {
  constexpr int threads = 256;
  constexpr Index most_blocks = 2048;
  const Index blocks = (count + threads - 1) / threads;
  return {blocks < most_blocks ? blocks : most_blocks, threads};
}

/// For kernels that do one piece of work per block.
inline Grid per_block(Index pieces, int threads) { return {pieces, threads}; }

/// Lets a kernel have the dynamic shared memory that it is launched with; up to 48 KB need no permission.
inline cudaError_t allow_shared_memory(const void* kernel, std::size_t bytes) {
  constexpr std::size_t always_allowed = 48 * 1024;
  constexpr std::size_t most = 0x7fffffff;
  if (bytes <= always_allowed) return cudaSuccess;
  if (bytes > most) return cudaErrorInvalidValue;
  return cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(bytes));
}

/// Runs `kernel` of kernels/<file>.cu on this thread's stream; an empty grid runs nothing. Throws DeviceError
/// if it cannot be launched; what fails while it runs is thrown by the next copy to the host.
template <class... Parameters>
void launch(const char* file, void (*kernel)(Parameters...), Grid grid,
            std::type_identity_t<Parameters>... arguments) {
  if (grid.blocks == 0) return;
  const Range family(file);
  cudaError_t error = cudaErrorInvalidConfiguration;
  if (grid.blocks > 0 && grid.blocks <= 0x7fffffff) {
    error = allow_shared_memory(reinterpret_cast<const void*>(kernel), grid.shared_bytes);
  }
  if (error == cudaSuccess) {
    cudaLaunchConfig_t config{};
    config.gridDim = static_cast<unsigned>(grid.blocks);
    config.blockDim = static_cast<unsigned>(grid.threads);
    config.dynamicSmemBytes = grid.shared_bytes;
    config.stream = stream();
    error = cudaLaunchKernelEx(&config, kernel, arguments...);
  }
  if (error != cudaSuccess) {
    throw DeviceError("[" + std::string(file) + "] launch of " + std::to_string(grid.blocks) + " blocks of " +
                      std::to_string(grid.threads) + " threads and " + std::to_string(grid.shared_bytes) +
                      " bytes of dynamic shared memory failed: " + cudaGetErrorString(error) + " (kernels/" +
                      file + ".cu)");
  }
}

}  // namespace elbow::kernels::cuda
