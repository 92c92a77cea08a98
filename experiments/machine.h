#pragma once
// What this machine is, in words and numbers, and the choice of a device on it.
#include <string>

#include "engine/device.h"
#include "experiments/options.h"

namespace elbow {

/// The processor's model name, "unknown" where the system does not say.
std::string cpu_model();

/// The widest vector instructions that the processor has: "AVX-512", "AVX2", "SSE2", "NEON", "scalar".
const char* vector_instructions();

/// Processors that this process may use, at least 1.
int available_threads();

/// The device that is asked for; auto is cuda if it can be had, else cpu.
Device device_of(const Options& options);

/// Sets device and threads (0: one per core). Throws DeviceError if the device that is asked for cannot be had.
void resolve_machine(Options& options);

/// "device: cpu, 2 threads, AVX-512 (cuda: no driver)". Precondition: options are resolved.
std::string device_line(const Options& options);

}  // namespace elbow
