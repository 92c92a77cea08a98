#include "tests/kernel_hashes.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

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

/// Matrices of small integers: ties between pivots, singular and ill-conditioned ones; and some that are not finite.
std::uint64_t hash_of_irregular_determinants(Index n, DType dtype, Device device) {
  constexpr Index batch = 11;
  std::vector<double> values = drawn({batch * n * n}, DType::float64, Device::cpu).to_vector<double>();
  for (double& value : values) value = std::round(value);
  for (Index b = 3; b < batch; b += 7) {  // all but equal columns
    for (Index i = 0; i < n; ++i) {
      double* const row = &values[(b * n + i) * n];
      row[n - 1] = row[0] + (i == 0 ? 1e-4 : 0);
    }
  }
  values[5 * n * n] = std::numeric_limits<double>::infinity();
  values[7 * n * n - 1] = std::numeric_limits<double>::quiet_NaN();
  const Variable matrices(Tensor::from(values, {batch, n, n}).to(dtype).to(device));
  const LogDeterminant found = slogdet(matrices);
  Hash hash;
  for (const Tensor& result : {found.sign.value(), found.log_abs.value(), found.state}) hash.add(result);
  hash.add(inverse_transpose(matrices).value());
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
  for (const Index n : {1, 3, 5, 6, 8, 9, 16, 17, 60}) {
    hashes[fmt::format("slogdet, irregular ({0}, {0})", n)] =
        hash_of_irregular_determinants(n, dtype, device);
  }
  return hashes;
}

}  // namespace elbow::test
