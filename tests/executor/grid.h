#pragma once
// The execution model: a grid of blocks of threads, each thread a fiber, and the ways in which threads meet.
#include <cuda_runtime.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <source_location>

// Who the running thread is.
extern thread_local constinit uint3 threadIdx, blockIdx;
extern thread_local constinit dim3 blockDim, gridDim;

namespace elbow::executor {

/// Runs `kernel_body` once for each thread of the grid. Throws ExecutionError if a thread does what CUDA does
/// not allow; returns an error where the runtime would refuse the launch.
cudaError_t run_grid(const cudaLaunchConfig_t&, const void* kernel, const std::function<void()>& kernel_body);

// All below are called by a thread of a running kernel.

/// An operation at which threads meet, and where in the source it stands.
struct Call {
  const char* operation;
  std::source_location place;
};

/// Waits until every thread of the block has come to this very line. All of them must: a thread that has left
/// the kernel, or that waits at another barrier, is an error.
void synchronize_block(Call);

/// What a lane shows the others.
using Word = std::uint64_t;
using Words = std::array<Word, 32>;

/// Waits until every lane of the warp that `mask` names calls the same operation, at the same line, with the same
/// mask, and gives what each showed; all bits are set for lanes that the mask does not name. The mask must name
/// the caller and nobody who has left the kernel. The result holds until the thread's next exchange.
const Words& exchange(Call, unsigned mask, Word);
/// The same without a word. Afterwards each of the lanes sees what the others wrote before.
void synchronize_warp(Call, unsigned mask);
int lane_index();

/// The block's shared memory of the declaration that `place` stands for; filled with NaN when the block starts,
/// 16-byte aligned, with out-of-bounds gaps around it.
void* shared_memory(const void* place, std::size_t bytes);
void* dynamic_shared_memory();

/// Around each atomic operation. A fence before it publishes what its thread wrote; a fence after it makes
/// visible what others published at that address.
void before_atomic(void* address);
void after_atomic(void* address);
void fence();

/// A copy from global to shared memory; the last `zeros` of its `bytes` become zero.
struct Copy {
  void* shared;
  const void* global;
  std::size_t bytes, zeros;
};
/// Queues a copy. Those queued before a commit are one batch.
void copy_later(void* shared, const void* global, std::size_t bytes, std::size_t zeros);
void commit_copies();
/// Takes the next copy that is due when all batches but the `newest` must be done; false if there is none.
bool next_copy(unsigned newest, Copy&);

/// Fails unless the operands of a tensor core, NaN aside, are numbers of TF32: hardware drops their 13 low bits.
void check_tf32(std::initializer_list<unsigned> operands);

}  // namespace elbow::executor
