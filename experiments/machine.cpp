#include "experiments/machine.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <thread>

#include "engine/device.h"
#include "kernels/error.h"

namespace elbow {

std::string cpu_model() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const std::size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown";
}

const char* vector_instructions() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) return "AVX-512";
  if (__builtin_cpu_supports("avx2")) return "AVX2";
  return "SSE2";
#elif defined(__aarch64__)
  return "NEON";
#else
  return "scalar";
#endif
}

int available_threads() { return std::max(1, static_cast<int>(std::thread::hardware_concurrency())); }

Device device_of(const Options& options) {
  switch (options.device) {
    case DeviceChoice::automatic:
      return unavailable_reason(Device::cuda).empty() ? Device::cuda : Device::cpu;
    case DeviceChoice::cpu:
      return Device::cpu;
    case DeviceChoice::cuda:
      return Device::cuda;
    case DeviceChoice::executor:
      return Device::executor;
  }
  return Device::cpu;
}

void resolve_machine(Options& options) {
  if (options.threads == 0) options.threads = available_threads();
  const Device device = device_of(options);
  if (const std::string& reason = unavailable_reason(device); !reason.empty())
    throw DeviceError(
        fmt::format("[--device] {} cannot be had: {}; take --device cpu or auto", name(device), reason));
  if (options.device == DeviceChoice::automatic)
    options.device = device == Device::cuda ? DeviceChoice::cuda : DeviceChoice::cpu;
  if (options.profile.last > 0 && device == Device::cpu)
    throw UsageError(
        "[--profile] device cpu has no profiler to start and stop; take --device cuda, or leave it out and "
        "use "
        "perf");
}

std::string device_line(const Options& options) {
  const Device device = device_of(options);
  if (device != Device::cpu) return fmt::format("device: {}, {}", name(device), backend(device).description);
  const std::string& reason = unavailable_reason(Device::cuda);
  return fmt::format("device: cpu, {} {}, {} (cuda: {})", options.threads,
                     options.threads == 1 ? "thread" : "threads", vector_instructions(),
                     reason.empty() ? "available" : reason);
}

}  // namespace elbow
