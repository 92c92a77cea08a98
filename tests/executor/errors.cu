#include "tests/executor/errors.h"

#include "kernels/tensor_tile.cuh"
#include "tests/executor/device_array.cuh"

namespace elbow::test {

using namespace kernels::cuda;

__global__ void two_barriers() {
  if (thread_index() < 3) {
    __syncthreads();
  } else {
    __syncthreads();
  }
}

__global__ void barrier_for_some(int first, int last) {
  if (thread_index() >= first && thread_index() < last) __syncthreads();
}

__global__ void vote_under(unsigned mask) { __any_sync(mask, 1); }

__global__ void two_operations() {
  if (thread_index() < 16) {
    __any_sync(0xffffffffu, 1);
  } else {
    __all_sync(0xffffffffu, 1);
  }
}

__global__ void warp_against_block() {
  if (thread_index() < 5) {
    __syncwarp();
  } else {
    __syncthreads();
  }
}

__global__ void write_shared(int at) {
  ELBOW_SHARED(float, numbers, 32);
  float* const first = numbers;
  first[at] = 1;
}

__global__ void write_device(float* memory, int at) { memory[at] = 1; }

__global__ void declare_more() {
  ELBOW_SHARED(char, large, 128 * 1024);
  ELBOW_DYNAMIC_SHARED(char, larger);
  large[0] = larger[0] = 1;
}

__global__ void copy_later(const float* memory, int at, int bytes) {
  ELBOW_SHARED(float, numbers, 32);
  __pipeline_memcpy_async(numbers, memory + at, bytes);
}

__global__ void multiply_unrounded() {
  float sum[4] = {};
  const std::uint32_t left[4] = {0x3f800001u}, right[2] = {};
  multiply_add_tile(sum, left, right);
}

__global__ void count(unsigned* counter) { atomicAdd(counter, 1u); }

__global__ void launch_another() { launch("errors", two_barriers, per_block(1, 1)); }

namespace {

constexpr const char* file = "errors";

}  // namespace

void barriers_at_different_lines() { launch(file, two_barriers, per_block(1, 7)); }
void barrier_after_others_left() { launch(file, barrier_for_some, per_block(1, 40), 36, 40); }
void leave_while_others_wait() { launch(file, barrier_for_some, per_block(1, 40), 0, 4); }
void mask_without_caller() { launch(file, vote_under, per_block(1, 32), 0x7fffffffu); }
void mask_of_missing_lanes() { launch(file, vote_under, per_block(1, 20), 0x00ffffffu); }
void different_operations_under_one_mask() { launch(file, two_operations, per_block(1, 32)); }
void wait_for_each_other() { launch(file, warp_against_block, per_block(1, 32)); }
void write_beside_shared_memory() { launch(file, write_shared, per_block(1, 1), 32); }
void write_beside_device_memory() {
  const DeviceArray<float> memory(4);
  launch(file, write_device, per_block(1, 1), memory, 4);
}
void too_much_declared_memory() { launch(file, declare_more, {1, 1, 100 * 1024}); }
void copy_to_misaligned_address() {
  const DeviceArray<float> memory(32);
  launch(file, copy_later, per_block(1, 1), memory, 1, 16);
}
void copy_of_odd_size() {
  const DeviceArray<float> memory(32);
  launch(file, copy_later, per_block(1, 1), memory, 0, 12);
}
void operand_of_full_precision() { launch(file, multiply_unrounded, per_block(1, 32)); }
void launch_within_kernel() { launch(file, launch_another, per_block(1, 1)); }

unsigned count_threads(long blocks, int threads, unsigned long dynamic_bytes) {
  const DeviceArray<unsigned> counter(std::vector<unsigned>{0});
  launch(file, count, {blocks, threads, dynamic_bytes}, counter);
  return counter.to_vector().front();
}

}  // namespace elbow::test
