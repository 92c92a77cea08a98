#pragma once
// What every kernel computes on fixed inputs, bit by bit: to compare devices, schedules and repetitions.
#include <cstdint>
#include <map>
#include <string>

#include "engine/tensor.h"

namespace elbow::test {

/// By name: a hash of the bits of all results. The cases of operations (tests/cases.h) with their gradients, and the
/// kernels that are no operations. In float32 a matter of IEEE operations alone, so alike on every device; in
/// float64 some kernels call the device's mathematics library.
using KernelHashes = std::map<std::string, std::uint64_t>;

KernelHashes kernel_hashes(Device, DType);

}  // namespace elbow::test
