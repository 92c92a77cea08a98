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

Variable variable(const Shape& shape, DType dtype, Device device) {
  return Variable(drawn(shape, dtype, device));
}

/// Three steps from zero moments.
std::uint64_t hash_of_adam(Index size, DType dtype, Device device) {
  ParameterLayout layout;
  layout.add("a", {31, 9});
  layout.add("b", {size});
  Parameters parameters(layout, dtype, device);
  parameters.flat().assign(drawn({31 * 9 + size}, dtype, device));
  Adam adam(parameters);
  for (int step = 0; step < 3; ++step) {
    Gradients gradients;
    gradients.emplace_back(drawn({31, 9}, dtype, device));
    gradients.emplace_back(drawn({size}, dtype, device));
    adam.step(parameters, gradients, 1e-3);
  }
  Hash hash;
  hash.add(parameters.flat());
  hash.add(adam.first_moment());
  hash.add(adam.second_moment());
  return hash.value;
}

/// Kernels that go through their elements in steps, with more elements than the largest grid has threads.
void add_hashes_beyond_one_grid(KernelHashes& hashes, Device device) {
  constexpr DType dtype = DType::float32;
  constexpr Index size = 600000;
  const Variable a = variable({size}, dtype, device);
  const Variable wide = variable({2, size}, dtype, device), tall = variable({size, 2}, dtype, device);
  hashes["silu (600000)"] = hash_of(silu(a).value());
  hashes["a + b (600000) (600000)"] = hash_of((a + a).value());
  hashes["a - b (2, 600000) (600000)"] = hash_of((wide - a).value());
  hashes["transpose (2, 600000)"] = hash_of(transpose(wide).value());
  hashes["sum (2, 600000) 0"] = hash_of(sum(wide, 0).value());
  hashes["uniform (600000, 1)"] = hash_of(uniform(draw, -2, 3, size, 1, dtype, device));
  hashes["adam (600000)"] = hash_of_adam(size, dtype, device);
  hashes["elbo_latent (600000, 2)"] =
      hash_of(elbo_latent(tall, variable({2, 1}, dtype, device), drawn({size, 1}, dtype, device),
                          kernels::Prior::gaussian, kernels::KlForm::sampled)
                  .kl.value());
  const Variable decoded(drawn({1, size}, dtype, device), true);
  const Gradients gradient = gradients(sum(elbo_reconstruction(square(decoded), decoded, 10)), {decoded});
  hashes["reconstruction_backward (1, 600000)"] = hash_of(gradient.front().value());
}

}  // namespace

KernelHashes kernel_hashes(Device device, DType dtype) {
  KernelHashes hashes;
  for (const Case& c : cases()) {
    Hash hash;
    for (const Tensor& array : evaluate(c, c.build, dtype, device).arrays) hash.add(array);
    hashes[c.name] = hash.value;
  }
  hashes["uniform (257, 31)"] = hash_of(uniform(draw, -2, 3, 257, 31, dtype, device));
  hashes["normal (257, 31)"] = hash_of(normal(draw, 257, 31, dtype, device));
  hashes["shuffled_batch (1000, 5)"] =
      hash_of(shuffled_batch(drawn({1000, 5}, dtype, device), 42, 3, 1, 257));
  hashes["adam"] = hash_of_adam(257, dtype, device);
  // More rows than one tile of a matrix product, more columns than a block of elbo_reconstruction fetches at once.
  hashes["matmul (520, 33) (33, 1030)"] =
      hash_of(matmul(variable({520, 33}, dtype, device), variable({33, 1030}, dtype, device)).value());
  const Variable row = variable({3, 1100}, dtype, device);
  hashes["reconstruction (3, 1100)"] = hash_of(elbo_reconstruction(row, square(row), 10).value());
  if (dtype == DType::float32) add_hashes_beyond_one_grid(hashes, device);
  return hashes;
}

}  // namespace elbow::test
