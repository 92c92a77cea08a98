// What the cases of differentiable operations do not reach of the CPU kernels: random numbers, the shuffle,
// the order of summation, Adam, and empty arrays.
#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <vector>

#include "kernels/backend.h"
#include "kernels/gram.h"

namespace elbow::kernels {
namespace {

template <class Arguments>
void run_on_cpu(const Arguments& arguments) {
  cpu::backend().kernels.entry<Arguments>()(arguments);
}

template <class T>
Random<T> random_numbers(Distribution distribution, Index rows, Index columns, std::vector<T>& output) {
  output.assign(static_cast<std::size_t>(rows * columns), T(-1000));
  return {distribution, 0x123456789abcdef0u, 3, 5, 7, rows, columns, 0, 1, output.data()};
}

template <class T>
std::vector<T> drawn(Distribution distribution, Index rows, Index columns) {
  std::vector<T> output;
  run_on_cpu(random_numbers(distribution, rows, columns, output));
  return output;
}

/// Numbers in (-1, 1) that round in any sum.
template <class T>
std::vector<T> numbers(std::size_t count, std::uint32_t stream) {
  std::vector<T> values(count);
  for (std::size_t i = 0; i < count; ++i) {
    const PhiloxBlock block = philox(11, stream, 0, 0, static_cast<std::uint32_t>(i));
    values[i] = static_cast<T>(2 * uniform_from<double>(block.word[0]) - 1 +
                               0x1p-30 * uniform_from<double>(block.word[1]));
  }
  return values;
}

TEST(Philox, PublishedVectors) {
  // kat_vectors of the Random123 library, philox4x32 with 10 rounds.
  struct Vector {
    std::uint32_t counter[4];
    std::uint32_t key[2];
    std::uint32_t expected[4];
  };
  const Vector vectors[] = {
      {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
      {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
       {0xffffffff, 0xffffffff},
       {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
      {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
       {0xa4093822, 0x299f31d0},
       {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
  };
  for (const Vector& v : vectors) {
    const std::uint64_t key = v.key[0] | std::uint64_t{v.key[1]} << 32;
    const PhiloxBlock block = philox(key, v.counter[0], v.counter[1], v.counter[2], v.counter[3]);
    for (int i = 0; i < 4; ++i) EXPECT_EQ(block.word[i], v.expected[i]) << "word " << i;
  }
}

TEST(Random, FollowsItsContract) {
  const auto values = drawn<double>(Distribution::uniform, 5, 7);
  for (Index r = 0; r < 5; ++r) {
    for (Index c = 0; c < 7; ++c) {
      const PhiloxBlock block = philox(0x123456789abcdef0u, 3, 5, static_cast<std::uint32_t>(7 + r),
                                       static_cast<std::uint32_t>(c / 4));
      EXPECT_EQ(values[r * 7 + c], (static_cast<double>(block.word[c % 4] >> 9) + 0.5) * 0x1p-23);
    }
  }
}

TEST(Random, ARowDependsOnItsSampleAlone) {
  std::vector<float> whole, part;
  run_on_cpu(random_numbers(Distribution::normal, 9, 6, whole));
  Random<float> later = random_numbers(Distribution::normal, 4, 6, part);
  later.first_sample += 5;
  run_on_cpu(later);
  EXPECT_TRUE(std::equal(part.begin(), part.end(), whole.begin() + 5 * 6));
}

TEST(Random, EachCoordinateOfTheCounterMatters) {
  std::vector<float> base, other;
  run_on_cpu(random_numbers(Distribution::uniform, 1, 4, base));
  const auto expect_new = [&](const char* what, auto change) {
    Random<float> changed = random_numbers(Distribution::uniform, 1, 4, other);
    change(changed);
    run_on_cpu(changed);
    EXPECT_NE(base, other) << what;
  };
  expect_new("seed, low half", [](auto& r) { r.seed ^= 1; });
  expect_new("seed, high half", [](auto& r) { r.seed ^= std::uint64_t{1} << 32; });
  expect_new("stream", [](auto& r) { r.stream ^= 1; });
  expect_new("step", [](auto& r) { r.step ^= 1; });
  expect_new("sample", [](auto& r) { r.first_sample ^= 1; });
}

template <class T>
class RandomOf : public ::testing::Test {};
using RealTypes = ::testing::Types<float, double>;
TYPED_TEST_SUITE(RandomOf, RealTypes);

/// Mean of f over the values against its expectation, within five standard errors.
template <class T, class F>
void expect_mean(const char* what, const std::vector<T>& values, double expected, double variance, F f) {
  double mean = 0;
  for (const T x : values) mean += f(static_cast<double>(x));
  mean /= static_cast<double>(values.size());
  EXPECT_NEAR(mean, expected, 5 * std::sqrt(variance / static_cast<double>(values.size()))) << what;
}

TYPED_TEST(RandomOf, UniformRangeAndMoments) {
  std::vector<TypeParam> values;
  Random<TypeParam> arguments = random_numbers(Distribution::uniform, 5000, 33, values);
  run_on_cpu(arguments);
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  EXPECT_GT(*low, 0);
  EXPECT_LT(*high, 1);
  expect_mean("mean", values, 0.5, 1. / 12, [](double u) { return u; });
  expect_mean("variance", values, 1. / 12, 1. / 180, [](double u) { return (u - 0.5) * (u - 0.5); });
  std::vector<TypeParam> scaled;
  arguments = random_numbers(Distribution::uniform, 5000, 33, scaled);
  arguments.low = -3;
  arguments.high = 5;
  run_on_cpu(arguments);
  for (std::size_t i = 0; i < values.size(); ++i)
    ASSERT_EQ(scaled[i], TypeParam(-3) + TypeParam(8) * values[i]);
}

TYPED_TEST(RandomOf, NormalMoments) {
  const auto values = drawn<TypeParam>(Distribution::normal, 5000, 33);
  expect_mean("mean", values, 0, 1, [](double x) { return x; });
  expect_mean("variance", values, 1, 2, [](double x) { return x * x; });
  expect_mean("skewness", values, 0, 15, [](double x) { return x * x * x; });
  expect_mean("kurtosis", values, 3, 96, [](double x) { return x * x * x * x; });
  expect_mean("beyond 1", values, 0.31731050786291415, 0.2166, [](double x) { return std::abs(x) > 1; });
  expect_mean("beyond 3", values, 0.0026997960632601866, 0.0027, [](double x) { return std::abs(x) > 3; });
  // Neighbours come from one Box-Muller pair.
  double correlation = 0;
  for (std::size_t i = 0; i + 1 < values.size(); ++i) correlation += values[i] * values[i + 1];
  EXPECT_LT(std::abs(correlation), 5 * std::sqrt(static_cast<double>(values.size())));
}

TEST(Random, NormalsStayInTheirRange) {
  const float smallest = uniform_from<float>(0);
  EXPECT_GT(smallest, 0);
  EXPECT_LT(std::sqrt(-2 * std::log(smallest)), 5.77f);
  EXPECT_LT(uniform_from<float>(0xffffffffu), 1);
}

TEST(Random, TypesAgreeToRounding) {
  const auto wide = drawn<double>(Distribution::normal, 257, 31);
  const auto narrow = drawn<float>(Distribution::normal, 257, 31);
  // Near u = 1 the logarithm magnifies nothing: u is exact. The angle 2 pi u rounds by 2 pi eps, times a
  // radius <= 5.77.
  const double limit = 5.77 * (2 * 3.15 + 4) * std::numeric_limits<float>::epsilon();
  for (std::size_t i = 0; i < wide.size(); ++i) ASSERT_NEAR(narrow[i], wide[i], limit) << "element " << i;
}

TEST(Shuffle, IsABijectionForEveryKeyAndEpoch) {
  for (const Index samples : {1, 2, 3, 4, 5, 31, 33, 64, 257, 1023, 1025, 42000}) {
    for (const std::uint64_t key :
         {std::uint64_t{0}, std::uint64_t{1}, ~std::uint64_t{0}, std::uint64_t{123456789}}) {
      for (const std::uint32_t epoch : {0u, 1u, 7u, 4000000000u}) {
        std::vector<char> seen(static_cast<std::size_t>(samples), 0);
        for (Index i = 0; i < samples; ++i) {
          const Index target = shuffled(i, samples, key, 4, epoch);
          ASSERT_TRUE(0 <= target && target < samples)
              << samples << " samples, key " << key << ", epoch " << epoch;
          ASSERT_EQ(seen[static_cast<std::size_t>(target)]++, 0) << samples << " samples, key " << key;
        }
      }
    }
  }
}

TEST(Shuffle, EpochsKeysAndStreamsDiffer) {
  constexpr Index samples = 42000;
  const auto agreements = [](std::uint64_t key, std::uint32_t stream, std::uint32_t epoch) {
    int count = 0;
    for (Index i = 0; i < samples; ++i) {
      const Index reference = shuffled(i, samples, 1, 4, 0);
      count += reference == shuffled(i, samples, key, stream, epoch);
    }
    return count;
  };
  EXPECT_EQ(agreements(1, 4, 0), samples);
  // Of two random orders one place agrees on average; more than 12 has probability 1e-10.
  EXPECT_LE(agreements(1, 4, 1), 12);
  EXPECT_LE(agreements(2, 4, 0), 12);
  EXPECT_LE(agreements(1, 5, 0), 12);
}

TEST(Shuffle, MovesSamplesFar) {
  // The mean distance of two uniform places among n is n / 3, with standard error n / sqrt(18 n).
  constexpr double n = 42000;
  double distance = 0;
  for (Index i = 0; i < 42000; ++i)
    distance += std::abs(static_cast<double>(shuffled(i, 42000, 9, 4, 2) - i));
  EXPECT_NEAR(distance / n, n / 3, 5 * n / std::sqrt(18 * n));
}

TEST(Gather, TakesTheShuffledRows) {
  const std::vector<float> data = numbers<float>(33 * 5, 1);
  std::vector<float> output(7 * 5);
  run_on_cpu(Gather<float>{17, 4, 2, 33, 26, 7, 5, data.data(), output.data()});
  for (Index r = 0; r < 7; ++r) {
    const Index sample = shuffled(26 + r, 33, 17, 4, 2);
    for (Index c = 0; c < 5; ++c) EXPECT_EQ(output[r * 5 + c], data[sample * 5 + c]);
  }
}

/// The terms that `term` gives for k = 0 .. length - 1, in the order of kernels/sum.h.
double in_documented_order(Index length, const std::function<double(Index)>& term) {
  double lane[16] = {};
  for (Index k = 0; k < length; ++k) lane[k % 16] += term(k);
  for (int half = 8; half > 0; half /= 2) {
    for (int p = 0; p < half; ++p) lane[p] += lane[p + half];
  }
  return lane[0];
}

template <class T>
class SumOf : public ::testing::Test {};
TYPED_TEST_SUITE(SumOf, RealTypes);

TYPED_TEST(SumOf, IsAddedInTheDocumentedOrder) {
  using T = TypeParam;
  for (const Index length : {0, 1, 7, 15, 16, 17, 33, 257}) {
    for (const Index inner : {1, 2, 31, 33, 64, 257}) {
      const std::vector<T> input = numbers<T>(static_cast<std::size_t>(3 * length * inner), 2);
      std::vector<T> output(static_cast<std::size_t>(3 * inner), T(-1));
      run_on_cpu(Sum<T>{3, length, inner, input.data(), output.data()});
      for (Index o = 0; o < 3; ++o) {
        for (Index i = 0; i < inner; ++i) {
          const double total = in_documented_order(
              length, [&](Index k) { return static_cast<double>(input[(o * length + k) * inner + i]); });
          ASSERT_EQ(output[o * inner + i], static_cast<T>(total))
              << "length " << length << ", inner " << inner;
        }
      }
    }
  }
}

TEST(Sum, AccumulatesFloatsInDouble) {
  // In float, 2^24 + 1 = 2^24: the small terms would be lost.
  std::vector<float> input(1000, 1.0f);
  input[0] = 0x1p24f;
  float output = 0;
  run_on_cpu(Sum<float>{1, 1000, 1, input.data(), &output});
  EXPECT_EQ(output, 0x1p24f + 999.0f);
}

TEST(PixelReconstruction, AddsSquaresInTheDocumentedOrderOnEveryTarget) {
  for (std::int64_t rest = hwy::SupportedTargets(); rest != 0; rest &= rest - 1) {
    hwy::SetSupportedTargetsForTest(rest & -rest);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    for (const Index columns : {1, 31, 32, 33, 95, 256}) {
      const std::vector<float> decoded = numbers<float>(static_cast<std::size_t>(columns), 5);
      std::vector<std::uint8_t> pixels;
      for (Index c = 0; c < columns; ++c) pixels.push_back(static_cast<std::uint8_t>(255 - 7 * c));
      double totals[pixel_lanes] = {};
      for (Index c = 0; c < columns; ++c) {
        double& total = totals[c % pixel_lanes];
        total = add_square(total, pixels[c], decoded[c]);
      }
      const float expected =
          reconstruction_loss<float>(sum_by_halving(totals), 3, reconstruction_constant(columns, 3));
      float loss = -1;
      run_on_cpu(PixelReconstruction<float>{1, columns, 3, pixels.data(), decoded.data(), &loss});
      EXPECT_EQ(loss, expected) << columns << " columns, " << hwy::TargetName(rest & -rest);
    }
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

/// Of two directions, three samples and every rest of 16 columns.
TEST(Gram, AddsProductsAndJacobiansInTheDocumentedOrder) {
  constexpr Index d = 2, batch = 3;
  for (const Index columns : {1, 15, 16, 33, 257}) {
    const std::vector<float> tangents = numbers<float>(static_cast<std::size_t>(d * batch * columns), 3);
    const auto tangent = [&](Index k, Index b, Index i) {
      return static_cast<double>(tangents[(k * batch + b) * columns + i]);
    };
    std::vector<double> gram(d * d * batch, -1), total(static_cast<std::size_t>(d * columns), 0.1);
    cpu::run(Gram<float>{d, batch, columns, tangents.data(), gram.data(), total.data()});
    for (Index k = 0; k < d; ++k) {
      for (Index i = 0; i < columns; ++i) {
        double expected = 0.1;
        for (Index b = 0; b < batch; ++b) expected += tangent(k, b, i);
        ASSERT_EQ(total[k * columns + i], expected) << "of " << columns;
      }
      for (Index b = 0; b < batch; ++b) {
        for (Index l = 0; l < d; ++l) {
          const double expected =
              in_documented_order(columns, [&](Index i) { return tangent(k, b, i) * tangent(l, b, i); });
          ASSERT_EQ(gram[(b * d + k) * d + l], expected) << "of " << columns;
        }
      }
    }
  }
}

template <class T>
class AdamOf : public ::testing::Test {};
TYPED_TEST_SUITE(AdamOf, RealTypes);

TYPED_TEST(AdamOf, FollowsThePaper) {
  using T = TypeParam;
  constexpr double rate = 1e-2, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;
  constexpr int steps = 20;
  for (const std::size_t size : {1, 31, 33, 257}) {
    std::vector<T> parameter = numbers<T>(size, 4);
    std::vector<T> m(size, T(0)), v(size, T(0));
    std::vector<double> p(parameter.begin(), parameter.end()), p_m(size, 0), p_v(size, 0);
    for (int t = 1; t <= steps; ++t) {
      const std::vector<T> gradient = numbers<T>(size, 10 + static_cast<std::uint32_t>(t));
      const double correction1 = 1 - std::pow(beta1, t), correction2 = 1 - std::pow(beta2, t);
      run_on_cpu(Adam<T>{static_cast<Index>(size), rate, beta1, beta2, epsilon, correction1, correction2,
                         gradient.data(), parameter.data(), m.data(), v.data()});
      for (std::size_t i = 0; i < size; ++i) {
        const double g = gradient[i];
        p_m[i] = beta1 * p_m[i] + (1 - beta1) * g;
        p_v[i] = beta2 * p_v[i] + (1 - beta2) * g * g;
        p[i] -= rate * (p_m[i] / correction1) / (std::sqrt(p_v[i] / correction2) + epsilon);
      }
    }
    // A step rounds the parameter once. What it subtracts is at most 10 * rate, with the relative error of
    // ten roundings in this step and, since m forgets by 0.9, the last ten before.
    const double limit = steps * (1 + 100 * 10 * rate) * std::numeric_limits<T>::epsilon();
    for (std::size_t i = 0; i < size; ++i)
      ASSERT_NEAR(parameter[i], p[i], limit) << "element " << i << " of " << size;
  }
}

TEST(Adam, TheFirstStepIsTheRateAgainstTheGradient) {
  std::vector<double> parameter = {1, 1, 1}, m(3, 0), v(3, 0);
  const std::vector<double> gradient = {1e-3, -1e3, 0};
  run_on_cpu(Adam<double>{3, 0.5, 0.9, 0.999, 1e-8, 1 - 0.9, 1 - 0.999, gradient.data(), parameter.data(),
                          m.data(), v.data()});
  EXPECT_NEAR(parameter[0], 0.5, 1e-5);  // epsilon over the gradient
  EXPECT_NEAR(parameter[1], 1.5, 1e-5);
  EXPECT_EQ(parameter[2], 1);
}

template <class T>
class Empty : public ::testing::Test {};
TYPED_TEST_SUITE(Empty, RealTypes);

/// No kernel may touch a null pointer when there is nothing to do.
TYPED_TEST(Empty, ArraysAreLeftAlone) {
  using T = TypeParam;
  const T* const in = nullptr;
  T* const out = nullptr;
  const Extents empty{1, 1, 1, 0, 5};
  const Extents strides{0, 0, 0, 5, 1};
  run_on_cpu(Unary<T>{UnaryFunction::tanh, 0, 0, in, out});
  run_on_cpu(Binary<T>{BinaryFunction::add, empty, strides, strides, in, in, out});
  run_on_cpu(Copy<T>{empty, strides, strides, in, out});
  run_on_cpu(Sum<T>{0, 5, 1, in, out});
  run_on_cpu(Sum<T>{0, 5, 3, in, out});
  run_on_cpu(Sum<T>{5, 0, 0, in, out});
  run_on_cpu(Matmul<T>{0, 2, 2, 2, {in, 4, 2, 1}, {in, 4, 2, 1}, out, false});
  run_on_cpu(Matmul<T>{1, 0, 2, 2, {in, 0, 2, 1}, {in, 0, 2, 1}, out, false});
  run_on_cpu(Matmul<T>{1, 2, 2, 0, {in, 4, 2, 1}, {in, 0, 0, 1}, out, false});
  for (const auto distribution : {Distribution::uniform, Distribution::normal}) {
    run_on_cpu(Random<T>{distribution, 1, 1, 1, 0, 0, 5, 0, 1, out});
    run_on_cpu(Random<T>{distribution, 1, 1, 1, 0, 5, 0, 0, 1, out});
  }
  run_on_cpu(Gather<T>{1, 1, 1, 5, 0, 0, 3, in, out});
  run_on_cpu(Gather<T>{1, 1, 1, 5, 0, 5, 0, in, out});
  run_on_cpu(ElboLatent<T>{Prior::gaussian, KlForm::sampled, 0, 3, in, in, in, out, out});
  run_on_cpu(ElboReconstruction<T>{0, 3, 10, in, in, out});
  run_on_cpu(ElboReconstructionBackward<T>{0, 3, 10, in, in, in, out});
  run_on_cpu(Adam<T>{0, 1e-3, 0.9, 0.999, 1e-8, 0.1, 0.001, in, out, out, out});
}

TYPED_TEST(Empty, SumsOfNothingAreZero) {
  using T = TypeParam;
  const T* const in = nullptr;
  std::vector<T> row(3, T(7)), columns(15, T(7)), product(4, T(7)), kept(4, T(7)), parameters(6, T(7));
  run_on_cpu(Sum<T>{3, 0, 1, in, row.data()});
  run_on_cpu(Sum<T>{3, 0, 5, in, columns.data()});
  run_on_cpu(Matmul<T>{1, 2, 0, 2, {in, 0, 0, 1}, {in, 0, 2, 1}, product.data(), false});
  run_on_cpu(Matmul<T>{1, 2, 0, 2, {in, 0, 0, 1}, {in, 0, 2, 1}, kept.data(), true});
  run_on_cpu(ElboLatentBackward<T>{Prior::gaussian, KlForm::sampled, 0, 3, in, in, in, in, in, nullptr,
                                   parameters.data()});
  EXPECT_EQ(row, std::vector<T>(3, T(0)));
  EXPECT_EQ(columns, std::vector<T>(15, T(0)));
  EXPECT_EQ(product, std::vector<T>(4, T(0)));
  EXPECT_EQ(kept, std::vector<T>(4, T(7)));
  EXPECT_EQ(parameters, std::vector<T>(6, T(0)));
}

}  // namespace
}  // namespace elbow::kernels
