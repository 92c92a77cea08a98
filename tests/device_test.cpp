// ctest labels: cuda
// Third truth: every case on CUDA against the CPU, and CUDA against itself.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "engine/random.h"
#include "tests/compare.h"
#include "tests/evaluate.h"
#include "tests/golden.h"

namespace elbow::test {
namespace {

class Cuda : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!cuda_unavailable_reason().empty()) GTEST_SKIP() << cuda_unavailable_reason();
  }
};

TEST_F(Cuda, AgreesWithTheCpu) {
  for (const Case& c : cases()) {
    SCOPED_TRACE(c.name);
    const std::vector<GoldenArray> golden = golden_of(c);
    for (const DType dtype : {DType::float32, DType::float64}) {
      const Evaluation cpu = evaluate(c, c.build, dtype);
      const Evaluation cuda = evaluate(c, c.build, dtype, Device::cuda);
      for (std::size_t i = 0; i < golden.size(); ++i) {
        // Both may be off by the golden test's limit.
        EXPECT_TRUE(agree(fmt::format("{} array {}", name(dtype), i), cuda.arrays[i],
                          cpu.arrays[i].to_vector<double>(), golden[i].shape,
                          2 * c.roundings() * epsilon(dtype) * golden[i].norm));
      }
    }
  }
}

TEST_F(Cuda, RunsAgainToTheBit) {
  for (const Case& c : cases()) {
    SCOPED_TRACE(c.name);
    const Evaluation first = evaluate(c, c.build, DType::float32, Device::cuda);
    const Evaluation second = evaluate(c, c.build, DType::float32, Device::cuda);
    for (std::size_t i = 0; i < first.arrays.size(); ++i) {
      EXPECT_TRUE(same_bits(first.arrays[i], second.arrays[i])) << "array " << i;
    }
  }
}

TEST_F(Cuda, DrawsTheSameUniformBitsAndNormalsToRounding) {
  const Draw draw{42, Stream::test, 3, 5};
  for (const DType dtype : {DType::float32, DType::float64}) {
    EXPECT_TRUE(
        same_bits(uniform(draw, -2, 3, 257, 31, dtype), uniform(draw, -2, 3, 257, 31, dtype, Device::cuda)));
    // abs(normal) <= 5.77; the angle 2 pi u rounds by 2 pi eps, logarithm, root, sine and cosine by a few.
    EXPECT_TRUE(agree(name(dtype), normal(draw, 257, 31, dtype, Device::cuda),
                      normal(draw, 257, 31, dtype).to_vector<double>(), {257, 31},
                      5.77 * (2 * 3.15 + 4) * epsilon(dtype)));
  }
}

TEST_F(Cuda, MixedDevicesAreRefused) {
  const Variable here(Tensor::full({2}, DType::float32, 1));
  const Variable there(Tensor::full({2}, DType::float32, 1, Device::cuda));
  EXPECT_THROW(here + there, UsageError);
}

}  // namespace
}  // namespace elbow::test
