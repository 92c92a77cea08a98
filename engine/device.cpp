#include "engine/device.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <filesystem>

namespace elbow {
namespace {

struct Cuda {
  const kernels::Backend* backend = nullptr;
  std::string reason;
};

/// The module lies in ../lib beside the program's folder.
std::filesystem::path module_path() {
  std::error_code ignored;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", ignored);
  return program.parent_path().parent_path() / "lib" / kernels::cuda_module;
}

Cuda load_cuda() {
  const auto path = module_path();
  if (!std::filesystem::exists(path)) return {nullptr, "this build has no CUDA back end"};
  void* module = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (module == nullptr) return {nullptr, fmt::format("the CUDA back end cannot be loaded ({})", dlerror())};
  auto* entry = reinterpret_cast<kernels::CudaEntryPoint*>(dlsym(module, kernels::cuda_entry_point));
  if (entry == nullptr) return {nullptr, fmt::format("{} is not a CUDA back end of elbow", path.string())};
  const char* reason = "";
  const kernels::Backend* found = entry(&reason);
  return {found, found == nullptr ? reason : ""};
}

const Cuda& cuda() {
  static const Cuda instance = load_cuda();
  return instance;
}

}  // namespace

const char* name(Device device) { return device == Device::cpu ? "cpu" : "cuda"; }

const kernels::Backend& backend(Device device) {
  if (device == Device::cpu) return kernels::cpu::backend();
  if (cuda().backend == nullptr) {
    throw DeviceError(fmt::format("device cuda cannot be had: {}; use --device cpu", cuda().reason));
  }
  return *cuda().backend;
}

const std::string& cuda_unavailable_reason() { return cuda().reason; }

}  // namespace elbow
