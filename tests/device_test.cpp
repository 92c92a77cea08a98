// ctest labels: cuda
// Third truth: every case on CUDA, and on the executor that runs CUDA's kernels on the CPU, against the CPU.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "engine/random.h"
#include "tests/compare.h"
#include "tests/evaluate.h"
#include "tests/golden.h"
#include "tests/on_device.h"

namespace elbow::test {
namespace {

ELBOW_ON_DEVICES(OnDevice, Device::cuda, Device::executor);

TEST_P(OnDevice, AgreesWithTheCpu) {
  for (const Case& c : cases()) {
    SCOPED_TRACE(c.name);
    const std::vector<GoldenArray> golden = golden_of(c);
    for (const DType dtype : {DType::float32, DType::float64}) {
      const Evaluation cpu = evaluate(c, c.build, dtype);
      const Evaluation device = evaluate(c, c.build, dtype, GetParam());
      for (std::size_t i = 0; i < golden.size(); ++i) {
        // Both may be off by the golden test's limit.
        EXPECT_TRUE(agree(fmt::format("{} array {}", name(dtype), i), device.arrays[i],
                          cpu.arrays[i].to_vector<double>(), golden[i].shape,
                          2 * c.roundings() * epsilon(dtype) * golden[i].norm));
      }
    }
  }
}

TEST_P(OnDevice, RunsAgainToTheBit) {
  for (const Case& c : cases()) {
    SCOPED_TRACE(c.name);
    const Evaluation first = evaluate(c, c.build, DType::float32, GetParam());
    const Evaluation second = evaluate(c, c.build, DType::float32, GetParam());
    for (std::size_t i = 0; i < first.arrays.size(); ++i) {
      EXPECT_TRUE(same_bits(first.arrays[i], second.arrays[i])) << "array " << i;
    }
  }
}

TEST_P(OnDevice, DrawsTheSameUniformBitsAndNormalsToRounding) {
  const Draw draw{42, Stream::test, 3, 5};
  for (const DType dtype : {DType::float32, DType::float64}) {
    EXPECT_TRUE(
        same_bits(uniform(draw, -2, 3, 257, 31, dtype), uniform(draw, -2, 3, 257, 31, dtype, GetParam())));
    // abs(normal) <= 5.77; the angle 2 pi u rounds by 2 pi eps, logarithm, root, sine and cosine by a few.
    EXPECT_TRUE(agree(name(dtype), normal(draw, 257, 31, dtype, GetParam()),
                      normal(draw, 257, 31, dtype).to_vector<double>(), {257, 31},
                      5.77 * (2 * 3.15 + 4) * epsilon(dtype)));
  }
}

TEST_P(OnDevice, MixedDevicesAreRefused) {
  const Variable here(Tensor::full({2}, DType::float32, 1));
  const Variable there(Tensor::full({2}, DType::float32, 1, GetParam()));
  EXPECT_THROW(here + there, UsageError);
}

}  // namespace
}  // namespace elbow::test
