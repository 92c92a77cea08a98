#pragma once
// Devices by name, and the one place that loads a back end's module.
#include <string>

#include "kernels/backend.h"
#include "kernels/error.h"

namespace elbow {

/// The executor runs CUDA's kernels on the CPU; builds with tests have it (tests/executor/executor.h).
enum class Device { cpu, cuda, executor };

const char* name(Device);

/// The device's back end. Loads its module on first use; throws DeviceError with one sentence saying why it
/// cannot be had. The CPU always can.
const kernels::Backend& backend(Device);

/// Why `backend(device)` throws, one sentence without a full stop; empty if it does not.
const std::string& unavailable_reason(Device);

}  // namespace elbow
