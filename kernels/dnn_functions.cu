#include "kernels/dnn_functions.cuh"

#include <dlfcn.h>

#include <string>
#include <type_traits>

// No program and no module links to cuDNN: a machine without it has everything but its speed.
namespace elbow::kernels::cuda {
namespace {

/// True if all were found.
bool find(DnnFunctions& functions) {
  const std::string file = "libcudnn.so." + std::to_string(CUDNN_MAJOR);
  void* const library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return false;
  bool all = true;
  const auto take = [&](auto& function, const char* name) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(library, name));
    all = all && function != nullptr;
  };
#define ELBOW_DNN_TAKE(name) take(functions.name, #name);
  ELBOW_DNN_FUNCTIONS(ELBOW_DNN_TAKE)
#undef ELBOW_DNN_TAKE
  return all;
}

}  // namespace

const DnnFunctions* dnn_functions() {
  static DnnFunctions functions;
  static const bool found = find(functions);
  return found ? &functions : nullptr;
}

}  // namespace elbow::kernels::cuda
