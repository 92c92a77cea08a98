// The CPU's convolutions against plain loops: bit for bit, on every instruction set this processor has.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <cmath>
#include <random>
#include <utility>
#include <vector>

#include "engine/forward_mode.h"
#include "engine/random.h"
#include "kernels/convolution_plain.h"
#include "tests/thrown.h"

namespace elbow::kernels {
namespace {

ConvolutionShape shape_of(Index height, Index width, Index large_channels, Index small_channels, Index kernel,
                          Index stride, Index padding) {
  return {2,
          height,
          width,
          large_channels,
          (height + 2 * padding - kernel) / stride + 1,
          (width + 2 * padding - kernel) / stride + 1,
          small_channels,
          kernel,
          stride,
          padding};
}

std::string text(const ConvolutionShape& s) {
  return fmt::format("{} x {} x {} and {} channels, kernel {}, stride {}, padding {}", s.large_height,
                     s.large_width, s.large_channels, s.small_channels, s.kernel, s.stride, s.padding);
}

template <class T>
std::vector<T> drawn(Index count, std::mt19937& random) {
  std::vector<T> values(static_cast<std::size_t>(count));
  for (T& x : values) x = static_cast<T>(std::uniform_real_distribution<float>(-1, 1)(random));
  return values;
}

/// Aligned as the engine's blocks, and exactly as long as asked.
template <class T>
class Workspace {
 public:
  explicit Workspace(Index elements) : memory_(static_cast<std::size_t>(elements) + 64 / sizeof(T)) {}
  T* data() {
    void* start = memory_.data();
    std::size_t space = memory_.size() * sizeof(T);
    return static_cast<T*>(std::align(64, 1, start, space));
  }

 private:
  std::vector<T> memory_;
};

template <class T>
class Operands {
 public:
  Operands(const ConvolutionShape& shape, std::mt19937& random)
      : shape_(shape),
        large_(drawn<T>(shape.large_count(), random)),
        small_(drawn<T>(shape.small_count(), random)),
        weight_(drawn<T>(shape.weight_count(), random)),
        bias_(drawn<T>(std::max(shape.large_channels, shape.small_channels), random)),
        workspace_(convolution_weight_workspace(shape)) {}

  void expect_the_bits_of_plain_loops() {
    for (const bool relu : {false, true}) {
      for (const T* bias : {static_cast<const T*>(nullptr), std::as_const(bias_).data()}) {
        expect_same(
            Convolution<T>{shape_, large_.data(), weight_.data(), bias, relu, nullptr, workspace_.data()},
            &Convolution<T>::small, shape_.small_count());
        expect_same(TransposedConvolution<T>{shape_, small_.data(), weight_.data(), bias, relu, nullptr,
                                             workspace_.data()},
                    &TransposedConvolution<T>::large, shape_.large_count());
      }
    }
    expect_same(ConvolutionWeight<T>{shape_, large_.data(), small_.data(), nullptr, workspace_.data()},
                &ConvolutionWeight<T>::weight, shape_.weight_count());
  }

 private:
  template <class Arguments>
  void expect_same(Arguments a, T* Arguments::*output, Index count) {
    std::vector<T> found(static_cast<std::size_t>(count), T(77)), expected = found;
    a.*output = found.data();
    cpu::run(a);
    a.*output = expected.data();
    convolution_plain(a);
    EXPECT_EQ(found, expected);
  }

  ConvolutionShape shape_;
  std::vector<T> large_, small_, weight_, bias_;
  Workspace<T> workspace_;
};

/// Vectors that are filled and not, rows that no kernel covers, kernels smaller than their stride, an image below it, rows of
/// pixels that fill vectors.
std::vector<ConvolutionShape> shapes() {
  std::vector<ConvolutionShape> all{shape_of(4, 32, 3, 5, 4, 2, 1), shape_of(1, 2, 3, 4, 4, 3, 2)};
  for (const Index large : {1, 4, 5, 17}) {
    for (const Index small : {1, 16, 33}) {
      for (const auto& [kernel, stride, padding] :
           {std::array<Index, 3>{4, 2, 1}, {3, 1, 1}, {5, 3, 2}, {2, 3, 0}, {1, 1, 0}}) {
        all.push_back(shape_of(5, 9, large, small, kernel, stride, padding));
      }
    }
  }
  return all;
}

TEST(Convolution, HasTheBitsOfPlainLoopsOnEveryTarget) {
  std::mt19937 random(1);
  const std::int64_t supported = hwy::SupportedTargets();
  for (std::int64_t rest = supported; rest != 0; rest &= rest - 1) {
    const std::int64_t target = rest & -rest;
    if (target == HWY_SCALAR || target == HWY_EMU128) continue;  // these are the plain loops
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    for (const ConvolutionShape& shape : shapes()) {
      SCOPED_TRACE(fmt::format("{}: {}", hwy::TargetName(target), text(shape)));
      Operands<float>(shape, random).expect_the_bits_of_plain_loops();
      Operands<double>(shape, random).expect_the_bits_of_plain_loops();
    }
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

/// A number that is not finite is not lost in the border's zeros.
TEST(Convolution, MultipliesTheBorderLikeAnyNumber) {
  std::mt19937 random(2);
  const ConvolutionShape shape = shape_of(4, 4, 3, 5, 4, 2, 1);
  std::vector<float> large = drawn<float>(shape.large_count(), random),
                     weight = drawn<float>(shape.weight_count(), random);
  weight[0] = std::numeric_limits<float>::infinity();  // of the kernel's upper left corner, channel 0 to 0
  std::vector<float> small(static_cast<std::size_t>(shape.small_count()));
  Workspace<float> workspace(convolution_workspace(shape));
  cpu::run(
      Convolution<float>{shape, large.data(), weight.data(), nullptr, false, small.data(), workspace.data()});
  EXPECT_TRUE(std::isnan(small[0])) << "infinity times the border's 0";
}

}  // namespace
}  // namespace elbow::kernels

namespace elbow::test {
namespace {

Variable drawn(const Shape& shape, std::uint32_t step) {
  return Variable(uniform({7, Stream::test, step}, -1, 1, 1, shape.count(), DType::float64).reshaped(shape));
}

/// Each tangent against the central difference along it.
TEST(Convolution, TangentsAreDerivatives) {
  constexpr Index d = 3;
  constexpr double h = 1e-4;
  const Variable weight = drawn({4, 4, 2, 3}, 0), bias = drawn({2}, 1), x = drawn({2, 3, 4, 3}, 2),
                 tangents = drawn({d, 2, 3, 4, 3}, 3);
  const auto smooth = [&](const Dual& at) { return transposed_convolution(at, weight, bias, {2, 1}); };
  const auto kinked = [&](const Dual& at) { return transposed_convolution_relu(at, weight, bias, {2, 1}); };
  for (const auto& f : {std::function<Dual(const Dual&)>(smooth), std::function<Dual(const Dual&)>(kinked)}) {
    const Dual y = f({x, tangents});
    for (Index k = 0; k < d; ++k) {
      const Variable along = reshape(slice(tangents, 0, k, 1), x.shape());
      const Variable difference =
          (f({x + h * along, tangents}).primal - f({x - h * along, tangents}).primal) / (2 * h);
      const std::vector<double> found = slice(y.tangents, 0, k, 1).value().to_vector<double>();
      const std::vector<double> expected = difference.value().to_vector<double>();
      int off = 0;
      for (std::size_t i = 0; i < found.size(); ++i) off += std::abs(found[i] - expected[i]) > 1e-10;
      EXPECT_EQ(off, 0) << "direction " << k << ", of " << found.size();
    }
  }
}

TEST(Convolution, RefusesWhatDoesNotFit) {
  const Variable x = drawn({1, 5, 5, 3}, 0), weight = drawn({4, 4, 3, 2}, 1), bias = drawn({2}, 2);
  const auto refusal = [&](auto call) { return thrown<UsageError>(call); };
  EXPECT_EQ(refusal([&] {
              convolution(x, transpose(weight), bias, {2, 1});
            }),
            "[convolution] expected images (batch, height, width, c) and a weight (kernel, kernel, c, out), "
            "got (1, 5, 5, 3) "
            "and (4, 4, 2, 3)");
  EXPECT_EQ(refusal([&] {
              transposed_convolution(x, weight, bias, {2, 1});
            }),
            "[transposed_convolution] expected images (batch, height, width, c) and a weight (kernel, "
            "kernel, out, c), got "
            "(1, 5, 5, 3) and (4, 4, 3, 2)");
  EXPECT_EQ(refusal([&] {
              convolution(x, weight, bias, {0, 4});
            }),
            "[convolution] expected a stride of at least 1 and a padding of 0 to 3, got 0 and 4");
  EXPECT_EQ(refusal([&] {
              convolution(drawn({1, 1, 5, 3}, 0), weight, bias, {2, 1});
            }),
            "[convolution] expected images of at least 2 x 2 for a kernel of 4, got (1, 1, 5, 3)");
  EXPECT_EQ(refusal([&] {
              convolution(x, weight, drawn({3}, 2), {2, 1});
            }),
            "[convolution] expected bias of shape (2,), got (3,)");
  EXPECT_THROW(convolution(reshape(x, {5, 5, 3}), weight, bias, {2, 1}), UsageError);
}

}  // namespace
}  // namespace elbow::test
