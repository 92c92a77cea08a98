#pragma once
// Files and comparisons that the tests of safetensors share.
#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "engine/safetensors.h"

namespace elbow::test {

using Metadata = std::map<std::string, std::string>;
using Tensors = std::vector<NamedTensor>;

inline constexpr const char* golden_file = "tests/golden/linear.safetensors";

/// As in tests/golden/safetensors_golden.py.
inline Tensors linear_layer() {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  const std::vector<float> weight{0, 0.125f, 0.25f, 0.375f, 0.5f, 0.625f};
  const std::vector<float> bias{-1.5f, infinity, -0.0f};
  const std::vector<double> losses{std::numeric_limits<double>::quiet_NaN(), -infinity};
  return {{"0.weight", Tensor::from(weight, {2, 3})},
          {"0.bias", Tensor::from(bias, {3})},
          {"scale", Tensor::from(std::vector<double>{1.0 / 3}, {})},
          {"nothing", Tensor({0, 7}, DType::float32)},
          {"losses", Tensor::from(losses, {2})}};
}

inline Metadata linear_metadata() { return {{"note", "γ² \"quoted\"\n"}, {"a", ""}}; }

/// A file from its parts.
inline std::string file_with_length(std::uint64_t length, const std::string& rest) {
  std::string bytes(sizeof(length), '\0');
  std::memcpy(bytes.data(), &length, sizeof(length));
  return bytes + rest;
}

inline std::string file_of(const std::string& header, std::size_t data_bytes = 0) {
  return file_with_length(header.size(), header + std::string(data_bytes, 'd'));
}

/// Names, types, shapes and bits.
inline void expect_same_tensors(const Tensors& found, const Tensors& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    SCOPED_TRACE(expected[i].name);
    EXPECT_EQ(found[i].name, expected[i].name);
    const Tensor& left = found[i].tensor;
    const Tensor& right = expected[i].tensor;
    ASSERT_EQ(left.dtype(), right.dtype());
    ASSERT_EQ(left.shape(), right.shape());
    if (left.bytes() > 0) {
      EXPECT_EQ(std::memcmp(left.address(), right.address(), left.bytes()), 0);
    }
  }
}

}  // namespace elbow::test
