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

void resolve_machine(Options& options) {
  if (options.threads == 0) options.threads = available_threads();
  const std::string& reason = cuda_unavailable_reason();
  if (options.device == DeviceChoice::cuda && !reason.empty())
    throw DeviceError(fmt::format("[--device] cuda cannot be had: {}; take --device cpu or auto", reason));
  if (options.device == DeviceChoice::automatic)
    options.device = reason.empty() ? DeviceChoice::cuda : DeviceChoice::cpu;
  if (options.profile.last > 0 && options.device == DeviceChoice::cpu)
    throw UsageError(
        "[--profile] device cpu has no profiler to start and stop; take --device cuda, or leave it out and "
        "use "
        "perf");
}

std::string device_line(const Options& options) {
  if (options.device == DeviceChoice::cuda)
    return fmt::format("device: cuda, {}", backend(Device::cuda).description);
  const std::string& reason = cuda_unavailable_reason();
  return fmt::format("device: cpu, {} {}, {} (cuda: {})", options.threads,
                     options.threads == 1 ? "thread" : "threads", vector_instructions(),
                     reason.empty() ? "available" : reason);
}

}  // namespace elbow
