#include "engine/device.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <filesystem>

namespace elbow {
namespace {

/// A back end in a shared library of its own, ../lib/libelbow_<device>.so beside the program's folder, which
/// exports elbow_<device>_backend.
struct Module {
  const kernels::Backend* backend = nullptr;
  std::string reason;
};

Module load(Device device) {
  std::error_code ignored;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", ignored);
  const auto path = program.parent_path().parent_path() / "lib" / fmt::format("libelbow_{}.so", name(device));
  if (!std::filesystem::exists(path)) {
    return {nullptr, device == Device::cuda ? "this build has no CUDA back end"
                                            : "this build has no executor, which comes with the tests"};
  }
  // Where there is no driver, CUDA's libraries would only take 200 MB of memory.
  if (device == Device::cuda && dlopen("libcuda.so.1", RTLD_LAZY | RTLD_LOCAL) == nullptr) {
    return {nullptr, "no NVIDIA driver is installed"};
  }
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    return {nullptr, fmt::format("the {} back end cannot be loaded ({})", name(device), dlerror())};
  }
  const std::string entry_name = fmt::format("elbow_{}_backend", name(device));
  auto* entry = reinterpret_cast<kernels::EntryPoint*>(dlsym(library, entry_name.c_str()));
  if (entry == nullptr) return {nullptr, fmt::format("{} is not a back end of elbow", path.string())};
  const char* reason = "";
  const kernels::Backend* found = entry(&reason);
  return {found, found == nullptr ? reason : ""};
}

const Module& module_of(Device device) {
  if (device == Device::cpu) {
    static const Module cpu{&kernels::cpu::backend(), ""};
    return cpu;
  }
  if (device == Device::cuda) {
    static const Module cuda = load(Device::cuda);
    return cuda;
  }
  static const Module executor = load(Device::executor);
  return executor;
}

}  // namespace

const char* name(Device device) {
  switch (device) {
    case Device::cpu:
      return "cpu";
    case Device::cuda:
      return "cuda";
    case Device::executor:
      return "executor";
  }
  return "";
}

const kernels::Backend& backend(Device device) {
  if (device == Device::cpu) return kernels::cpu::backend();
  const Module& loaded = module_of(device);
  if (loaded.backend == nullptr) {
    throw DeviceError(
        fmt::format("device {} cannot be had: {}; use --device cpu", name(device), loaded.reason));
  }
  return *loaded.backend;
}

const std::string& unavailable_reason(Device device) { return module_of(device).reason; }

}  // namespace elbow
