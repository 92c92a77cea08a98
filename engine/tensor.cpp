#include "engine/tensor.h"

#include <fmt/format.h>

#include "engine/dispatch.h"

namespace elbow {

std::size_t size_of(DType dtype) {
  if (dtype == DType::uint8) return 1;
  return with_type(dtype, []<class T>() { return sizeof(T); });
}

const char* name(DType dtype) {
  constexpr const char* names[] = {"float32", "float64", "complex128", "uint8"};
  return names[static_cast<int>(dtype)];
}

Tensor::Tensor(const Shape& shape, DType dtype, Device device)
    : shape_(shape), dtype_(dtype), device_(device) {
  storage_ = allocate(backend(device), bytes());
}

template <class T>
Tensor Tensor::from(std::span<const T> values, const Shape& shape, Device device) {
  if (static_cast<Index>(values.size()) != shape.count()) {
    throw UsageError(fmt::format("[tensor] expected {} values for shape {}, got {}", shape.count(),
                                 to_string(shape), values.size()));
  }
  Tensor tensor(shape, dtype_of<T>, device);
  backend(device).copy_from_host(tensor.address(), values.data(), tensor.bytes());
  return tensor;
}
template Tensor Tensor::from(std::span<const float>, const Shape&, Device);
template Tensor Tensor::from(std::span<const double>, const Shape&, Device);
template Tensor Tensor::from(std::span<const Complex>, const Shape&, Device);
template Tensor Tensor::from(std::span<const std::uint8_t>, const Shape&, Device);

Tensor Tensor::full(const Shape& shape, DType dtype, double value, Device device) {
  Tensor tensor(shape, dtype, device);
  with_type(dtype, [&]<class T>() {
    const T element = static_cast<T>(value);
    if (device == Device::cpu) {
      std::fill_n(tensor.data<T>(), tensor.count(), element);
      return;
    }
    const Tensor one = Tensor::from(std::span<const T>(&element, 1), {}, device);
    const Extents none{};
    run(device, kernels::Copy<T>{padded(shape), none, broadcast_strides(shape, shape), one.data<T>(),
                                 tensor.data<T>()});
  });
  return tensor;
}

void* Tensor::address() const { return static_cast<std::byte*>(storage_->block) + offset_; }

Tensor Tensor::reshaped(const Shape& shape) const {
  if (shape.count() != count()) {
    throw UsageError(fmt::format("[reshape] expected {} elements, got shape {}", count(), to_string(shape)));
  }
  return part(0, shape);
}

Tensor Tensor::part(Index offset, const Shape& shape) const {
  if (offset < 0 || offset + shape.count() > count()) {
    throw UsageError(fmt::format("[part] expected at most {} elements, got {} from element {} on", count(),
                                 shape.count(), offset));
  }
  Tensor view = *this;
  view.offset_ += static_cast<std::size_t>(offset) * size_of(dtype_);
  view.shape_ = shape;
  return view;
}

Tensor Tensor::to(Device device) const {
  if (device == device_) return *this;
  Tensor result(shape_, dtype_, device);
  result.assign(*this);
  return result;
}

Tensor Tensor::to(DType dtype) const {
  if (dtype == dtype_) return *this;
  return with_type(dtype, [&]<class T>() { return Tensor::from(to_vector<T>(), shape_, device_); });
}

Tensor Tensor::clone() const {
  Tensor copy(shape_, dtype_, device_);
  copy.assign(*this);
  return copy;
}

void Tensor::assign(const Tensor& source) {
  if (source.shape() != shape_ || source.dtype() != dtype_) {
    throw UsageError(fmt::format("[assign] expected {} of shape {}, got {} of shape {}", name(dtype_),
                                 to_string(shape_), name(source.dtype()), to_string(source.shape())));
  }
  if (device_ == source.device_) {
    backend(device_).copy_on_device(address(), source.address(), bytes());
  } else if (source.device_ == Device::cpu) {
    backend(device_).copy_from_host(address(), source.address(), bytes());
  } else {
    backend(source.device_).copy_to_host(address(), source.address(), bytes());
  }
}

template <class T>
std::vector<T> Tensor::to_vector() const {
  const Tensor host = to(Device::cpu);
  std::vector<T> values(static_cast<std::size_t>(count()));
  if (dtype_ == DType::uint8) {
    std::copy_n(host.data<std::uint8_t>(), values.size(), values.begin());
    return values;
  }
  with_type(dtype_, [&]<class Stored>() {
    const Stored* stored = host.data<Stored>();
    for (std::size_t i = 0; i < values.size(); ++i) {
      if constexpr (std::is_same_v<Stored, Complex> && !std::is_same_v<T, Complex>) {
        values[i] = static_cast<T>(stored[i].real());
      } else {
        values[i] = static_cast<T>(stored[i]);
      }
    }
  });
  return values;
}
template std::vector<float> Tensor::to_vector() const;
template std::vector<double> Tensor::to_vector() const;
template std::vector<Complex> Tensor::to_vector() const;

double Tensor::item() const {
  if (count() != 1)
    throw UsageError(fmt::format("[item] expected one element, got shape {}", to_string(shape_)));
  const Tensor host = to(Device::cpu);
  return with_type(dtype_, [&]<class T>() { return std::real(Complex(*host.data<T>())); });
}

void expect_alike(const char* operation, const Tensor& left, const Tensor& right) {
  if (left.dtype() != right.dtype()) {
    throw UsageError(fmt::format("[{}] expected one dtype, got {} and {}", operation, name(left.dtype()),
                                 name(right.dtype())));
  }
  if (left.device() != right.device()) {
    throw UsageError(fmt::format("[{}] expected one device, got {} and {}", operation, name(left.device()),
                                 name(right.device())));
  }
}

void expect_shape(const char* operation, const char* argument, const Tensor& tensor, const Shape& expected) {
  if (tensor.shape() != expected) {
    throw UsageError(fmt::format("[{}] expected {} of shape {}, got {}", operation, argument,
                                 to_string(expected), to_string(tensor.shape())));
  }
}

}  // namespace elbow
