#pragma once
// A contiguous array on a device. Copying a Tensor shares its memory; operations never write to their inputs.
#include <cstring>
#include <span>
#include <vector>

#include "engine/device.h"
#include "engine/memory.h"
#include "engine/shape.h"

namespace elbow {

/// uint8 is storage for pixels, 0 to 255, which of all operations pixel_values() and pixel_reconstruction() alone take.
enum class DType { float32, float64, complex128, uint8 };

std::size_t size_of(DType);
const char* name(DType);

template <class T>
inline constexpr DType dtype_of = DType::float32;
template <>
inline constexpr DType dtype_of<double> = DType::float64;
template <>
inline constexpr DType dtype_of<Complex> = DType::complex128;
template <>
inline constexpr DType dtype_of<std::uint8_t> = DType::uint8;

/// Calls `use.template operator()<T>()` with the scalar type of `dtype`. Throws UsageError for uint8.
template <class Use>
decltype(auto) with_type(DType dtype, Use use) {
  switch (dtype) {
    case DType::float32:
      return use.template operator()<float>();
    case DType::float64:
      return use.template operator()<double>();
    case DType::complex128:
      return use.template operator()<Complex>();
    case DType::uint8:
      break;
  }
  throw UsageError(
      "expected numbers, got uint8: pixels become numbers by pixel_values() or to(DType::float32)");
}

class Tensor {
 public:
  Tensor() = default;
  /// Uninitialised memory.
  Tensor(const Shape&, DType, Device = Device::cpu);

  template <class T>
  static Tensor from(std::span<const T> values, const Shape&, Device = Device::cpu);
  template <class T>
  static Tensor from(const std::vector<T>& values, const Shape& shape, Device device = Device::cpu) {
    return from(std::span<const T>(values), shape, device);
  }
  static Tensor full(const Shape&, DType, double value, Device = Device::cpu);
  static Tensor zeros(const Shape& shape, DType dtype, Device device = Device::cpu) {
    return full(shape, dtype, 0, device);
  }

  bool defined() const { return static_cast<bool>(storage_); }
  const Shape& shape() const { return shape_; }
  Index count() const { return shape_.count(); }
  DType dtype() const { return dtype_; }
  Device device() const { return device_; }
  std::size_t bytes() const { return static_cast<std::size_t>(count()) * size_of(dtype_); }

  /// Address on the device. T must match the dtype.
  template <class T>
  T* data() const {
    return static_cast<T*>(address());
  }
  void* address() const;

  /// Same memory, other shape of the same count; throws UsageError.
  Tensor reshaped(const Shape&) const;
  /// Same memory: `shape.count()` elements from element `offset` on.
  Tensor part(Index offset, const Shape& shape) const;

  Tensor to(Device) const;  ///< itself if it is there already
  Tensor to(DType) const;   ///< itself if it is that already; by way of the host
  Tensor clone() const;
  /// Overwrites the values; same shape and dtype, any device.
  void assign(const Tensor& source);

  template <class T>
  std::vector<T> to_vector() const;  ///< converted to T, on the host
  double item() const;               ///< the only element (real part)

 private:
  SharedMemory storage_;
  std::size_t offset_ = 0;  // bytes
  Shape shape_;
  DType dtype_ = DType::float32;
  Device device_ = Device::cpu;
};

}  // namespace elbow
