#pragma once
// From a kernel's arguments to its entry in a device's table. Included by the engine's own .cpp files.
#include "engine/tensor.h"

namespace elbow {

/// Runs a kernel on `device`.
template <class Arguments>
void run(Device device, const Arguments& arguments) {
  const auto kernel = backend(device).kernels.entry<Arguments>();
  if (kernel == nullptr)
    throw DeviceError(std::string("complex numbers exist on the CPU only, not on ") + name(device));
  kernel(arguments);
}

/// Like with_type, for kernels that exist for real numbers only.
template <class Use>
decltype(auto) with_real_type(const char* operation, DType dtype, Use use) {
  if (dtype != DType::float32 && dtype != DType::float64) {
    throw UsageError(std::string("[") + operation + "] expected float32 or float64, got " + name(dtype));
  }
  if (dtype == DType::float64) return use.template operator()<double>();
  return use.template operator()<float>();
}

/// Throws UsageError unless both live on one device with one dtype.
void expect_alike(const char* operation, const Tensor& left, const Tensor& right);
/// Throws UsageError naming the argument unless `tensor` has this shape.
void expect_shape(const char* operation, const char* argument, const Tensor& tensor, const Shape& expected);

}  // namespace elbow
