#pragma once
// What a tensor's bytes are, in a number, and tensors to take it of.
#include "engine/random.h"

namespace elbow::test {

/// FNV-1a.
struct Hash {
  std::uint64_t value = 0xcbf29ce484222325u;

  void add(const Tensor& tensor) {
    const Tensor host = tensor.to(Device::cpu);
    const auto* bytes = static_cast<const unsigned char*>(host.address());
    for (std::size_t i = 0; i < host.bytes(); ++i) value = (value ^ bytes[i]) * 0x100000001b3u;
  }
};

inline std::uint64_t hash_of(const Tensor& tensor) {
  Hash hash;
  hash.add(tensor);
  return hash.value;
}

inline constexpr Draw draw{42, Stream::test, 3, 5};

/// In (-2.5, 2.5), the same for the same shape.
inline Tensor drawn(const Shape& shape, DType dtype, Device device) {
  return uniform(draw, -2.5, 2.5, 1, shape.count(), dtype).reshaped(shape).to(device);
}

}  // namespace elbow::test
