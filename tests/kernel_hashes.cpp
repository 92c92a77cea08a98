#include "tests/kernel_hashes.h"

#include <fmt/format.h>

#include "engine/adam.h"
#include "engine/dataset.h"
#include "tests/evaluate.h"

namespace elbow::test {
namespace {

/// FNV-1a.
struct Hash {
  std::uint64_t value = 0xcbf29ce484222325u;

  void add(const Tensor& tensor) {
    const Tensor host = tensor.to(Device::cpu);
    const auto* bytes = static_cast<const unsigned char*>(host.address());
    for (std::size_t i = 0; i < host.bytes(); ++i) value = (value ^ bytes[i]) * 0x100000001b3u;
  }
};

std::uint64_t hash_of(const Tensor& tensor) {
  Hash hash;
  hash.add(tensor);
  return hash.value;
}

constexpr Draw draw{42, Stream::test, 3, 5};

Tensor drawn(const Shape& shape, DType dtype, Device device) {
  return uniform(draw, -2.5, 2.5, 1, shape.count(), dtype).reshaped(shape).to(device);
}

/// Three steps from zero moments.
std::uint64_t hash_of_adam(DType dtype, Device device) {
  ParameterLayout layout;
  layout.add("a", {31, 9});
  layout.add("b", {257});
  Parameters parameters(layout, dtype, device);
  parameters.flat().assign(drawn({31 * 9 + 257}, dtype, device));
  Adam adam(parameters);
  for (int step = 0; step < 3; ++step) {
    Gradients gradients;
    gradients.emplace_back(drawn({31, 9}, dtype, device));
    gradients.emplace_back(drawn({257}, dtype, device));
    adam.step(parameters, gradients, 1e-3);
  }
  Hash hash;
  hash.add(parameters.flat());
  hash.add(adam.first_moment());
  hash.add(adam.second_moment());
  return hash.value;
}

}  // namespace

KernelHashes kernel_hashes(Device device, DType dtype) {
  KernelHashes hashes;
  for (const Case& c : cases()) {
    Hash hash;
    for (const Tensor& array : evaluate(c, c.build, dtype, device).arrays) hash.add(array);
    hashes[c.name] = hash.value;
  }
  hashes["adam"] = hash_of_adam(dtype, device);
  hashes["uniform (257, 31)"] = hash_of(uniform(draw, -2, 3, 257, 31, dtype, device));
  hashes["normal (257, 31)"] = hash_of(normal(draw, 257, 31, dtype, device));
  hashes["shuffled_batch (1000, 5)"] =
      hash_of(shuffled_batch(drawn({1000, 5}, dtype, device), 42, 3, 1, 257));
  // More elements than the largest grid has threads, and more rows than one tile of a matrix product.
  hashes["silu (600000)"] = hash_of(silu(Variable(drawn({600000}, dtype, device))).value());
  hashes["matmul (520, 33) (33, 1030)"] = hash_of(
      matmul(Variable(drawn({520, 33}, dtype, device)), Variable(drawn({33, 1030}, dtype, device))).value());
  return hashes;
}

}  // namespace elbow::test
