#pragma once
// The words that kernels are written in, one small kernel each: compiled by g++ for the executor and by nvcc for
// GPUs, so that hardware can confirm what the executor takes them to mean.
#include <cstdint>
#include <string>
#include <vector>

namespace elbow::test {

using Word = std::uint32_t;
using Words = std::vector<Word>;

enum class Shuffle { from, up, down, exclusive_or };

struct Votes {
  Word ballot, any, all;
  Word sum, smallest, largest;
  int smallest_signed, largest_signed;
  bool operator==(const Votes&) const = default;
};

struct Counters {
  Word ones;                 ///< one from each thread
  std::uint64_t wide;        ///< 2^32 from each
  Word swapped;              ///< two from each, by compare and swap
  int largest, least_large;  ///< of the thread's numbers from -10 on; of these, negated
  Words exchanged;           ///< what each thread found where it left its number + 1, and last what was left
};

/// Every function launches a kernel and gives what it wrote. Throws DeviceError.
struct Language {
  /// Why nothing below can be called; empty if it can.
  std::string (*why_unavailable)();
  /// How many threads a launch has.
  Word (*count_threads)(std::int64_t blocks, int threads, std::size_t dynamic_bytes);
  /// The values in reverse: of one block by way of static memory, of any number by way of dynamic memory.
  Words (*reverse)(const Words&);
  Words (*reverse_in_dynamic)(const Words&);
  /// Each half of a warp turns its values round, by memory and __syncwarp; each half at its own time.
  Words (*reverse_half_warps)(const Words&);
  /// A shuffle of 32 values by the lanes of the mask; other lanes keep theirs.
  Words (*shuffle)(Shuffle, Word mask, const Words&, int argument, int width);
  std::vector<double> (*shuffle_wide)(Shuffle, Word mask, const std::vector<double>&, int argument,
                                      int width);
  /// What 32 lanes make of their values together; zeros from those that the mask does not name.
  std::vector<Votes> (*vote)(Word mask, const Words&);
  Counters (*count)(int blocks, int threads);
  /// The sum, by blocks that each leave a part and by the last of them.
  Word (*sum_by_last_block)(const Words&, int blocks);
  /// The values, zeros up to a multiple of 128, by copies that overlap: `ahead` batches on their way at a time.
  Words (*copy_ahead)(const Words&, int ahead);
  /// sum (16x8) + left (16x8) times right (8x8), rounded to TF32.
  std::vector<float> (*multiply_add)(const std::vector<float>& sum, const std::vector<float>& left,
                                     const std::vector<float>& right);
  /// `value` rounded to TF32.
  std::vector<float> (*round_to_tf32)(const std::vector<float>&);
  /// What shared memory holds before the wait for a copy to it, and after. Not defined on a GPU.
  Words (*look_before_wait)(Word value);
};

}  // namespace elbow::test

extern "C" const elbow::test::Language* elbow_language();
