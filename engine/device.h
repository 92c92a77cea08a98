#pragma once
// Devices by name, and the one place that loads the CUDA module.
#include <string>

#include "kernels/backend.h"
#include "kernels/error.h"

namespace elbow {

enum class Device { cpu, cuda };

const char* name(Device);

/// The device's back end. For cuda: loads the module on first use; throws DeviceError with one sentence
/// saying why CUDA cannot be had.
const kernels::Backend& backend(Device);

/// Why `backend(Device::cuda)` throws, one sentence without a full stop; empty if it does not.
const std::string& cuda_unavailable_reason();

}  // namespace elbow
