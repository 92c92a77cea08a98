#include "tests/executor/planted_bugs.h"

#include <algorithm>
#include <cmath>

#include "tests/executor/device_array.cuh"

namespace elbow::test {

using namespace kernels::cuda;

namespace {

constexpr int threads = 64;
constexpr int blocks = 6;
constexpr float sum_of_ramp = threads * (threads + 1) / 2;

std::vector<float> ramp(int count) {
  std::vector<float> values(count);
  for (int i = 0; i < count; ++i) values[i] = static_cast<float>(i + 1);
  return values;
}

/// What one block makes of a number per thread.
std::vector<float> output_of(void (*kernel)(const float*, float*)) {
  const DeviceArray<float> input(ramp(threads)), output(threads);
  launch("planted_bugs", kernel, per_block(1, threads), input, output);
  return output.to_vector();
}

}  // namespace

// Each thread's number goes one place up, the last thread's beyond the array.
template <bool planted>
__global__ void shared_write_out_of_bounds(const float* input, float* output) {
  ELBOW_SHARED(float, shifted, threads);
  const int to = planted ? thread_index() + 1 : (thread_index() + 1) % threads;
  shifted[to] = input[thread_index()];
  __syncthreads();
  output[thread_index()] = shifted[thread_index()];
}

// Each thread takes its right neighbour's number.
template <bool planted>
__global__ void read_before_write(const float* input, float* output) {
  ELBOW_SHARED(float, numbers, threads);
  numbers[thread_index()] = input[thread_index()];
  if (!planted) __syncthreads();
  output[thread_index()] = thread_index() + 1 < threads ? numbers[thread_index() + 1] : 0;
}

// Each thread adds up what all have loaded, tile by tile; the next tile comes while others still read the last.
template <bool planted>
__global__ void write_before_read(const float* input, float* output) {
  ELBOW_SHARED(float, tile, threads);
  float total = 0;
  for (int round = 1; round <= 3; ++round) {
    tile[thread_index()] = static_cast<float>(round) * input[thread_index()];
    __syncthreads();
    for (int i = 0; i < threads; ++i) total += tile[i];
    if (!planted) __syncthreads();
  }
  output[thread_index()] = total;
}

// All add up an array whose last number nobody has written.
template <bool planted>
__global__ void uninitialised_read(const float* input, float* output) {
  ELBOW_SHARED(float, numbers, threads);
  if (!planted || thread_index() < threads - 1) numbers[thread_index()] = input[thread_index()];
  __syncthreads();
  float total = 0;
  for (int i = 0; i < threads; ++i) total += numbers[i];
  output[thread_index()] = total;
}

// The two halves of the block wait at barriers of their own.
template <bool planted>
__global__ void divergent_barrier(const float* input, float* output) {
  ELBOW_SHARED(float, numbers, threads);
  numbers[thread_index()] = input[thread_index()];
  if (planted && thread_index() < threads / 2) {
    __syncthreads();
  } else {
    __syncthreads();
  }
  output[thread_index()] = numbers[threads - 1 - thread_index()];
}

// 16 lanes of each warp shuffle; the mask says that all 32 do.
template <bool planted>
__global__ void mask_names_absent_lanes(const float* input, float* output) {
  output[thread_index()] = 0;
  if (thread_index() % 32 >= 16) return;
  const unsigned mask = planted ? 0xffffffffu : 0x0000ffffu;
  output[thread_index()] = __shfl_xor_sync(mask, input[thread_index()], 1, 16);
}

// The larger of two neighbours: what lies past the end is NaN, which fmaxf passes over.
template <bool planted>
__global__ void global_read_past_the_end(const float* input, float* output) {
  const int right = planted || thread_index() + 1 < threads ? thread_index() + 1 : thread_index();
  output[thread_index()] = fmaxf(input[thread_index()], input[right]);
}

// Each block leaves a number, and the last to come adds them up. Without a fence it may not see what it is told is
// there.
template <bool planted>
__global__ void sum_without_fence(const float* input, float* partial, unsigned* finished, float* output) {
  if (thread_index() != 0) return;
  partial[block_index()] = input[block_index()];
  if (!planted) __threadfence();
  if (atomicAdd(finished, 1u) != blocks - 1) return;
  __threadfence();
  float total = 0;
  for (int i = 0; i < blocks; ++i) total += partial[i];
  *output = total;
}

// Every block writes the same number to the same place, where one would do.
template <bool planted>
__global__ void race_between_blocks(float* output) {
  const bool writes = planted || block_index() == 0;
  if (writes && thread_index() == 0) *output = 1;
}

// Each thread writes its own number; the last of the grid writes the first thread's too.
template <bool planted>
__global__ void write_of_another_thread(float* output) {
  output[global_index()] = 1;
  if (planted && global_index() == global_threads() - 1) output[0] = 1;
}

namespace {

bool finds_shift(bool planted) {
  std::vector<float> expected = ramp(threads);
  std::rotate(expected.begin(), expected.end() - 1, expected.end());
  return output_of(planted ? shared_write_out_of_bounds<true> : shared_write_out_of_bounds<false>) ==
         expected;
}

bool finds_right_neighbours(bool planted) {
  std::vector<float> expected = ramp(threads);
  expected.erase(expected.begin());
  expected.push_back(0);
  return output_of(planted ? read_before_write<true> : read_before_write<false>) == expected;
}

bool finds_sum_of_tiles(bool planted) {
  const std::vector<float> expected(threads, (1 + 2 + 3) * sum_of_ramp);
  return output_of(planted ? write_before_read<true> : write_before_read<false>) == expected;
}

bool finds_sum(bool planted) {
  const std::vector<float> expected(threads, sum_of_ramp);
  return output_of(planted ? uninitialised_read<true> : uninitialised_read<false>) == expected;
}

bool finds_reversed(bool planted) {
  std::vector<float> expected = ramp(threads);
  std::reverse(expected.begin(), expected.end());
  return output_of(planted ? divergent_barrier<true> : divergent_barrier<false>) == expected;
}

bool finds_swapped_lanes(bool planted) {
  std::vector<float> expected = ramp(threads);
  for (int i = 0; i < threads; i += 2) std::swap(expected[i], expected[i + 1]);
  for (int i = 0; i < threads; ++i) expected[i] = i % 32 < 16 ? expected[i] : 0;
  return output_of(planted ? mask_names_absent_lanes<true> : mask_names_absent_lanes<false>) == expected;
}

bool finds_larger_neighbours(bool planted) {
  std::vector<float> expected = ramp(threads);
  expected.erase(expected.begin());
  expected.push_back(expected.back());
  return output_of(planted ? global_read_past_the_end<true> : global_read_past_the_end<false>) == expected;
}

bool finds_sum_of_blocks(bool planted) {
  const DeviceArray<float> input(ramp(blocks)), partial(blocks), output(1);
  const DeviceArray<unsigned> finished(std::vector<unsigned>{0});
  launch("planted_bugs", planted ? sum_without_fence<true> : sum_without_fence<false>,
         per_block(blocks, threads), input, partial, finished, output);
  return output.to_vector() == std::vector<float>{blocks * (blocks + 1) / 2};
}

bool finds_one(bool planted) {
  const DeviceArray<float> output(1);
  launch("planted_bugs", planted ? race_between_blocks<true> : race_between_blocks<false>,
         per_block(blocks, threads), output);
  return output.to_vector() == std::vector<float>{1};
}

}  // namespace

std::vector<PlantedBug> planted_bugs() {
  return {{"SharedWriteOutOfBounds", finds_shift},
          {"NoBarrierBeforeRead", finds_right_neighbours},
          {"NoBarrierBeforeWrite", finds_sum_of_tiles},
          {"UninitialisedSharedRead", finds_sum},
          {"DivergentBarrier", finds_reversed},
          {"MaskNamesAbsentLanes", finds_swapped_lanes},
          {"GlobalReadPastTheEnd", finds_larger_neighbours},
          {"NoFenceInLastBlockSum", finds_sum_of_blocks},
          {"RaceBetweenBlocks", finds_one}};
}

bool race_of_many_threads(bool planted) {
  constexpr int many_blocks = 4, many_threads = 512;
  const DeviceArray<float> output(many_blocks * many_threads);
  launch("planted_bugs", planted ? write_of_another_thread<true> : write_of_another_thread<false>,
         per_block(many_blocks, many_threads), output);
  return output.to_vector() == std::vector<float>(many_blocks * many_threads, 1);
}

}  // namespace elbow::test
