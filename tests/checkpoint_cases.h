#pragma once
// States of a training that the tests of checkpoints share.
#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <string>

#include "engine/checkpoint.h"
#include "tests/safetensors_cases.h"

namespace elbow::test {

inline constexpr const char* fingerprint = "seed = 1\ngamma2 = 1e4\n";

/// The state after some steps, recognisable in each of its parts.
inline Checkpoint state(std::int64_t step) {
  const auto value = static_cast<double>(step);
  return {fingerprint,
          {{"encoder.0.weight", Tensor::full({7, 3}, DType::float32, value)},
           {"moment", Tensor::full({257}, DType::float64, value / 3)}},
          {{"step", step}},
          {{"loss", 1 / (1 + value)}},
          {{"order", "step " + std::to_string(step)}}};
}

inline void expect_same_checkpoint(const Checkpoint& found, const Checkpoint& expected) {
  EXPECT_EQ(found.fingerprint, expected.fingerprint);
  expect_same_tensors(found.tensors, expected.tensors);
  EXPECT_EQ(found.integers, expected.integers);
  EXPECT_EQ(found.numbers, expected.numbers);
  EXPECT_EQ(found.strings, expected.strings);
}

/// The step whose state was loaded, every part of it having been compared.
inline std::int64_t loaded_step(const std::filesystem::path& path) {
  const Checkpoint found = load_checkpoint(path, fingerprint).checkpoint;
  const std::int64_t step = found.integers.at("step");
  expect_same_checkpoint(found, state(step));
  return step;
}

}  // namespace elbow::test
