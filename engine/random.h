#pragma once
// Seeded random tensors: pure functions of (seed, stream, step, sample, dimension); see kernels/random.h.
#include "engine/tensor.h"

namespace elbow {

/// What a random number is for. One seed's streams are independent of each other.
enum class Stream : std::uint32_t {
  weights = 1,
  sources,
  mixing,
  shuffle,
  training_noise,
  validation_noise,
  final_noise,
  test,
};

struct Draw {
  std::uint64_t seed;
  Stream stream;
  std::uint32_t step = 0;
  std::uint32_t first_sample = 0;
};

/// Standard normal numbers, (rows, columns).
Tensor normal(const Draw&, Index rows, Index columns, DType, Device = Device::cpu);
/// Uniform numbers in (low, high), (rows, columns).
Tensor uniform(const Draw&, double low, double high, Index rows, Index columns, DType, Device = Device::cpu);

}  // namespace elbow
