#pragma once
// What every kernel computes on fixed inputs, bit by bit: to compare devices, schedules and repetitions.
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "engine/tensor.h"

namespace elbow::test {

/// Something kernels compute, and a hash of the bits of all its results. In float32 a matter of IEEE operations
/// alone, so alike on every device; in float64 some kernels call the device's mathematics library.
struct HashedRun {
  std::string name;
  std::function<std::uint64_t(Device)> hash;
  bool large = false;  ///< takes more threads than a race detector can watch in good time
};

/// The cases of operations (tests/cases.h) with their gradients, then the kernels that are no operations and the sizes
/// that are no cases, small ones first.
std::vector<HashedRun> hashed_runs(DType);

/// All of them, by name.
using KernelHashes = std::map<std::string, std::uint64_t>;
KernelHashes kernel_hashes(Device, DType);

}  // namespace elbow::test
