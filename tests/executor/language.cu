#include "tests/executor/language.h"

#include "kernels/tensor_tile.cuh"
#include "tests/executor/device_array.cuh"

namespace elbow::test {

using namespace kernels::cuda;

constexpr const char* file = "language";
constexpr int most_threads = 1024;

__global__ void count_one(Word* counter) { atomicAdd(counter, 1u); }

__global__ void reverse_block(const Word* input, Word* output, int count) {
  ELBOW_SHARED(Word, values, most_threads);
  values[thread_index()] = input[thread_index()];
  __syncthreads();
  output[thread_index()] = values[count - 1 - thread_index()];
}

__global__ void reverse_dynamic(const Word* input, Word* output, Index count) {
  ELBOW_DYNAMIC_SHARED(Word, values);
  for (Index i = global_index(); i < count; i += global_threads()) values[i] = input[i];
  __syncthreads();
  for (Index i = global_index(); i < count; i += global_threads()) output[i] = values[count - 1 - i];
}

__global__ void reverse_halves(const Word* input, Word* output) {
  ELBOW_SHARED(Word, values, 32);
  const int lane = thread_index(), first = lane / 16 * 16;
  for (int round = 0; round <= first; ++round) {
    values[lane] = input[lane] + round;
    __syncwarp(0xffffu << first);
    output[lane] = values[first + 15 - lane % 16];
    __syncwarp(0xffffu << first);
  }
}

template <class T>
__global__ void shuffle_values(Shuffle kind, Word mask, const T* input, T* output, int argument, int width) {
  const T value = input[thread_index()];
  output[thread_index()] = value;
  if ((mask >> thread_index() & 1) == 0) return;
  switch (kind) {
    case Shuffle::from:
      output[thread_index()] = __shfl_sync(mask, value, argument, width);
      break;
    case Shuffle::up:
      output[thread_index()] = __shfl_up_sync(mask, value, argument, width);
      break;
    case Shuffle::down:
      output[thread_index()] = __shfl_down_sync(mask, value, argument, width);
      break;
    case Shuffle::exclusive_or:
      output[thread_index()] = __shfl_xor_sync(mask, value, argument, width);
      break;
  }
}

__global__ void vote_on_values(Word mask, const Word* input, Votes* output) {
  output[thread_index()] = {};
  if ((mask >> thread_index() & 1) == 0) return;
  const Word value = input[thread_index()];
  const int odd = static_cast<int>(value & 1), number = static_cast<int>(value);
  Votes votes{};
  votes.ballot = __ballot_sync(mask, odd);
  votes.any = static_cast<Word>(__any_sync(mask, odd) != 0);
  votes.all = static_cast<Word>(__all_sync(mask, odd) != 0);
  votes.sum = __reduce_add_sync(mask, value);
  votes.smallest = __reduce_min_sync(mask, value);
  votes.largest = __reduce_max_sync(mask, value);
  votes.smallest_signed = __reduce_min_sync(mask, number);
  votes.largest_signed = __reduce_max_sync(mask, number);
  output[thread_index()] = votes;
}

__global__ void count_in_all_ways(Word* words, unsigned long long* wide, int* numbers, Word* exchanged) {
  atomicAdd(&words[0], 1u);
  for (Word old = 0, found = 0;; old = found) {
    if ((found = atomicCAS(&words[1], old, old + 2)) == old) break;
  }
  atomicAdd(wide, 1ull << 32);
  const int number = static_cast<int>(global_index()) - 10;
  atomicMax(&numbers[0], number);
  atomicMax(&numbers[1], -number);
  exchanged[global_index()] = atomicExch(&exchanged[global_threads()], static_cast<Word>(global_index()) + 1);
}

__global__ void sum_parts(const Word* input, Word count, Word* parts, Word* finished, Word* output) {
  ELBOW_SHARED(Word, is_last, 1);
  const Word blocks = static_cast<Word>(global_threads() / 32);
  Word part = 0;
  for (Index i = global_index(); i < count; i += global_threads()) part += input[i];
  part = __reduce_add_sync(0xffffffffu, part);
  if (thread_index() == 0) {
    parts[block_index()] = part;
    __threadfence();
    is_last[0] = static_cast<Word>(atomicAdd(finished, 1u) == blocks - 1);
    __threadfence();
  }
  __syncthreads();
  if (is_last[0] == 0 || thread_index() != 0) return;
  Word total = 0;
  for (Word i = 0; i < blocks; ++i) total += parts[i];
  *output = total;
}

constexpr int copied_words = 4;                 // by one copy
constexpr int batch_words = 32 * copied_words;  // by the copies of a warp
constexpr int copied_bytes = copied_words * sizeof(Word);

using Stage = Word[batch_words];

__device__ inline void begin_batch(Stage& stage, const Word* input, Index count, Index batch) {
  const Index first = batch * batch_words + thread_index() * copied_words;
  const Index missing = first + copied_words - count;
  const Index zeros = missing < 0 ? 0 : missing < copied_words ? missing : copied_words;
  if (batch * batch_words < count) {
    __pipeline_memcpy_async(&stage[thread_index() * copied_words],
                            zeros == copied_words ? input : input + first, copied_bytes,
                            zeros * sizeof(Word));
  }
  __pipeline_commit();
}

template <int ahead>
__global__ void copy_batches(const Word* input, Word* output, Index count, Index batches) {
  ELBOW_SHARED(Stage, stages, ahead + 1);
  for (int batch = 0; batch < ahead; ++batch) begin_batch(stages[batch], input, count, batch);
  for (Index batch = 0; batch < batches; ++batch) {
    begin_batch(stages[(batch + ahead) % (ahead + 1)], input, count, batch + ahead);
    __pipeline_wait_prior(ahead);
    __syncwarp();
    for (int i = 0; i < batch_words; i += 32) {
      output[batch * batch_words + i + thread_index()] = stages[batch % (ahead + 1)][i + thread_index()];
    }
    __syncwarp();
  }
}

__global__ void multiply_add_once(const float* sum, const float* left, const float* right, float* output) {
  const int lane = thread_index(), row = lane / 4, column = lane / 4, depth = lane % 4;
  std::uint32_t left_bits[4], right_bits[2];
  float total[4];
  for (int i = 0; i < 4; ++i) left_bits[i] = to_tf32(left[(row + i % 2 * 8) * 8 + depth + i / 2 * 4]);
  for (int i = 0; i < 2; ++i) right_bits[i] = to_tf32(right[(depth + i * 4) * 8 + column]);
  for (int i = 0; i < 4; ++i) total[i] = sum[(row + i / 2 * 8) * 8 + depth * 2 + i % 2];
  multiply_add_tile(total, left_bits, right_bits);
  for (int i = 0; i < 4; ++i) output[(row + i / 2 * 8) * 8 + depth * 2 + i % 2] = total[i];
}

__global__ void round_values(const float* input, float* output) {
  const std::uint32_t bits = to_tf32(input[block_index()]);
  memcpy(&output[block_index()], &bits, sizeof(bits));
}

__global__ void look_twice(const Word* input, Word* output) {
  ELBOW_SHARED(Word, arrived, 1);
  __pipeline_memcpy_async(arrived, input, sizeof(Word));
  __pipeline_commit();
  output[0] = arrived[0];
  __pipeline_wait_prior(0);
  output[1] = arrived[0];
}

namespace {

Word run_count_threads(std::int64_t blocks, int threads, std::size_t dynamic_bytes) {
  const DeviceArray<Word> counter(Words{0});
  launch(file, count_one, {blocks, threads, dynamic_bytes}, counter);
  return counter.to_vector().front();
}

Words run_reverse(const Words& values) {
  const DeviceArray<Word> input(values), output(values.size());
  const int count = static_cast<int>(values.size());
  launch(file, reverse_block, per_block(1, count), input, output, count);
  return output.to_vector();
}

Words run_reverse_in_dynamic(const Words& values) {
  const DeviceArray<Word> input(values), output(values.size());
  launch(file, reverse_dynamic, {1, 256, values.size() * sizeof(Word)}, input, output, values.size());
  return output.to_vector();
}

Words run_reverse_half_warps(const Words& values) {
  const DeviceArray<Word> input(values), output(values.size());
  launch(file, reverse_halves, per_block(1, 32), input, output);
  return output.to_vector();
}

template <class T>
std::vector<T> run_shuffle(Shuffle kind, Word mask, const std::vector<T>& values, int argument, int width) {
  const DeviceArray<T> input(values), output(values.size());
  launch(file, shuffle_values<T>, per_block(1, 32), kind, mask, input, output, argument, width);
  return output.to_vector();
}

std::vector<Votes> run_vote(Word mask, const Words& values) {
  const DeviceArray<Word> input(values);
  const DeviceArray<Votes> output(values.size());
  launch(file, vote_on_values, per_block(1, 32), mask, input, output);
  return output.to_vector();
}

Counters run_count(int blocks, int threads) {
  const DeviceArray<Word> words(Words(2, 0)), exchanged(Words(blocks * threads + 1, 0));
  const DeviceArray<unsigned long long> wide(std::vector<unsigned long long>{0});
  const DeviceArray<int> numbers(std::vector<int>(2, -1000000));
  launch(file, count_in_all_ways, per_block(blocks, threads), words, wide, numbers, exchanged);
  const Words counted = words.to_vector();
  const std::vector<int> largest = numbers.to_vector();
  return {counted[0], wide.to_vector().front(), counted[1], largest[0], largest[1], exchanged.to_vector()};
}

Word run_sum_by_last_block(const Words& values, int blocks) {
  const DeviceArray<Word> input(values), parts(blocks), finished(Words{0}), output(1);
  launch(file, sum_parts, per_block(blocks, 32), input, static_cast<Word>(values.size()), parts, finished,
         output);
  return output.to_vector().front();
}

Words run_copy_ahead(const Words& values, int ahead) {
  const Index count = static_cast<Index>(values.size());
  const Index batches = (count + batch_words - 1) / batch_words;
  const DeviceArray<Word> input(values), output(batches * batch_words);
  launch(file, ahead == 1 ? copy_batches<1> : copy_batches<2>, per_block(1, 32), input, output, count,
         batches);
  return output.to_vector();
}

std::vector<float> run_multiply_add(const std::vector<float>& sum, const std::vector<float>& left,
                                    const std::vector<float>& right) {
  const DeviceArray<float> start(sum), rows(left), columns(right), output(sum.size());
  launch(file, multiply_add_once, per_block(1, 32), start, rows, columns, output);
  return output.to_vector();
}

std::vector<float> run_round_to_tf32(const std::vector<float>& values) {
  const DeviceArray<float> input(values), output(values.size());
  launch(file, round_values, per_block(static_cast<Index>(values.size()), 1), input, output);
  return output.to_vector();
}

Words run_look_before_wait(Word value) {
  const DeviceArray<Word> input(Words{value}), output(2);
  launch(file, look_twice, per_block(1, 1), input, output);
  return output.to_vector();
}

}  // namespace
}  // namespace elbow::test

extern "C" const elbow::test::Language* elbow_language() {
  using namespace elbow::test;
  static const Language language{why_no_device,
                                 run_count_threads,
                                 run_reverse,
                                 run_reverse_in_dynamic,
                                 run_reverse_half_warps,
                                 run_shuffle<Word>,
                                 run_shuffle<double>,
                                 run_vote,
                                 run_count,
                                 run_sum_by_last_block,
                                 run_copy_ahead,
                                 run_multiply_add,
                                 run_round_to_tf32,
                                 run_look_before_wait};
  return &language;
}
