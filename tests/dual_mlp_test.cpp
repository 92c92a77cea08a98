// The fused MLP in forward mode is its twin to the bit: every activation, on tiles that are full and not, and with more
// features, layers and directions than one block of the kernel takes.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "engine/forward_mode.h"
#include "engine/ops.h"
#include "engine/random.h"
#include "tests/evaluate.h"

namespace elbow::test {
namespace {

struct Sizes {
  Index batch;
  Index directions;
  std::vector<Index> widths;
};

Variable drawn(std::uint32_t number, const Shape& shape, DType dtype) {
  const Draw draw{7, Stream::test, number};
  return Variable(uniform(draw, -0.9, 0.9, 1, shape.count(), dtype).reshaped(shape));
}

void expect_the_bits_of_the_twin(const Sizes& sizes, Activation activation, DType dtype) {
  SCOPED_TRACE(fmt::format("{} of {} samples, {} directions, {} layers in {}", name(activation), sizes.batch,
                           sizes.directions, sizes.widths.size() - 1, name(dtype)));
  const NoGradient off;
  Variables parameters;
  std::uint32_t number = 2;
  for (std::size_t i = 0; i + 1 < sizes.widths.size(); ++i) {
    parameters.push_back(drawn(number++, {sizes.widths[i + 1], sizes.widths[i]}, dtype));
    parameters.push_back(drawn(number++, {sizes.widths[i + 1]}, dtype));
  }
  const Dual x{drawn(0, {sizes.batch, sizes.widths[0]}, dtype),
               drawn(1, {sizes.directions, sizes.batch, sizes.widths[0]}, dtype)};
  const Dual fused = dual_mlp(x, parameters, activation);
  const Dual twin = dual_mlp_unfused(x, parameters, activation);
  EXPECT_TRUE(same_bits(fused.primal.value(), twin.primal.value()));
  EXPECT_TRUE(same_bits(fused.tangents.value(), twin.tangents.value()));
}

const std::vector<Sizes> all_sizes = {{0, 3, {3, 5, 3}},
                                      {1, 1, {1, 1}},
                                      {16, 3, {3, 60, 60, 60, 3}},
                                      {250, 3, {3, 60, 60, 3}},
                                      {17, 0, {2, 7, 4}},
                                      {33, 5, {5, 61, 2}},
                                      {15, 8, {8, 11, 13, 8}},
                                      {31, 2, std::vector<Index>(17, 4)},
                                      {5, 2, std::vector<Index>(19, 3)}};

TEST(DualMlp, IsItsTwinToTheBit) {
  for (const std::string& activation : activation_names()) {
    for (const Sizes& sizes : all_sizes) {
      for (const DType dtype : {DType::float32, DType::float64}) {
        expect_the_bits_of_the_twin(sizes, activation_named(activation), dtype);
      }
    }
  }
}

TEST(DualMlp, RefusesWhatDoesNotFit) {
  const Dual x = seeded(drawn(0, {4, 2}, DType::float32));
  const Variable weight = drawn(1, {3, 2}, DType::float32), bias = drawn(2, {3}, DType::float32);
  EXPECT_THROW(dual_mlp(x, {}, Activation::gelu), UsageError);
  EXPECT_THROW(dual_mlp(x, {weight}, Activation::gelu), UsageError);
  EXPECT_THROW(dual_mlp(x, {transpose(weight), bias}, Activation::gelu), UsageError);
  EXPECT_THROW(dual_mlp(x, {weight, drawn(2, {2}, DType::float32)}, Activation::gelu), UsageError);
  EXPECT_THROW(dual_mlp(x, {weight, drawn(2, {3}, DType::float64)}, Activation::gelu), UsageError);
  EXPECT_THROW(dual_mlp({x.primal, slice(x.tangents, 1, 0, 3)}, {weight, bias}, Activation::gelu),
               UsageError);
}

}  // namespace
}  // namespace elbow::test
