// The tape itself: paths, scopes, errors.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "engine/ops.h"
#include "kernels/error.h"
#include "tests/thrown.h"

namespace elbow::test {
namespace {

using Values = std::vector<double>;

Variable leaf(const std::vector<double>& values, const Shape& shape) {
  return Variable(Tensor::from(values, shape), true);
}
Variable leaf(const std::vector<double>& values) { return leaf(values, {static_cast<Index>(values.size())}); }

std::vector<double> values_of(const Variable& x) { return x.value().to_vector<double>(); }

/// Whether every one of `words` is in `message`.
::testing::AssertionResult says(const std::string& message, std::initializer_list<std::string> words) {
  for (const std::string& word : words) {
    if (message.find(word) == std::string::npos)
      return ::testing::AssertionFailure() << word << " is not in: " << message;
  }
  return ::testing::AssertionSuccess();
}

TEST(Autograd, PathsAddUp) {
  const Variable x = leaf({2, -3});
  const Variable y = square(x);  // used twice below, and x three times
  const Gradients g = gradients(sum(y * x + y + x), {x});
  EXPECT_EQ(values_of(g[0]), Values({3 * 4 + 4 + 1, 3 * 9 - 6 + 1}));
}

TEST(Autograd, TheSameOperandTwice) {
  const Variable x = leaf({2, -3});
  EXPECT_EQ(values_of(gradients(sum(x * x), {x})[0]), Values({4, -6}));
  EXPECT_EQ(values_of(gradients(sum(concatenate({x, x}, 0)), {x})[0]), Values({2, 2}));
}

TEST(Autograd, ADiamondOfSharedResultsIsWalkedOnce) {
  Variable x = leaf({1});
  const Variable start = x;
  for (int i = 0; i < 60; ++i) x = 0.5 * x + 0.5 * x;  // 2^60 paths
  EXPECT_EQ(values_of(gradients(sum(x), {start})[0]), Values({1}));
}

TEST(Autograd, ALongChainNeedsNoStack) {
  const Variable start = leaf({1});
  Variable x = start;
  for (int i = 0; i < 200000; ++i) x = x + 1e-5;
  EXPECT_EQ(values_of(gradients(sum(x), {start})[0]), Values({1}));
}

TEST(Autograd, NoPathGivesZerosOfTheInputsShape) {
  const Variable x = leaf({1, 2});
  const Variable other = leaf({1, 2, 3, 4, 5, 6}, {2, 3});
  const Gradients g = gradients(sum(x), {other, x});
  EXPECT_EQ(g[0].shape(), Shape({2, 3}));
  EXPECT_EQ(values_of(g[0]), Values({0, 0, 0, 0, 0, 0}));
  EXPECT_EQ(values_of(g[1]), Values({1, 1}));
}

TEST(Autograd, GradientByAnIntermediateResult) {
  const Variable x = leaf({2});
  const Variable y = square(x);
  const Gradients g = gradients(sum(square(y)), {y, x});
  EXPECT_EQ(values_of(g[0]), Values({8}));
  EXPECT_EQ(values_of(g[1]), Values({32}));
}

TEST(Autograd, GradientByTheOutputItself) {
  const Variable y = sum(leaf({2, 3}));
  EXPECT_EQ(values_of(gradients(y, {y})[0]), Values({1}));
}

TEST(Autograd, TheSameInputAskedForTwice) {
  const Variable x = leaf({3});
  const Gradients g = gradients(sum(square(x)), {x, x});
  EXPECT_EQ(values_of(g[0]), Values({6}));
  EXPECT_EQ(values_of(g[1]), Values({6}));
}

TEST(Autograd, ThirdOrder) {
  const Variable x = leaf({2});
  Variable derivative = sum(square(square(x)));
  for (const double expected : {32., 48., 48., 24.}) {
    derivative = gradients(derivative, {x}, true)[0];
    EXPECT_EQ(values_of(derivative), Values({expected}));
    derivative = sum(derivative);
  }
}

TEST(Autograd, WithoutCreateGraphAGradientIsAConstant) {
  const Variable x = leaf({2});
  EXPECT_FALSE(gradients(sum(square(x)), {x})[0].requires_gradient());
  EXPECT_TRUE(gradients(sum(square(x)), {x}, true)[0].requires_gradient());
}

TEST(Autograd, NothingIsRecordedUnderNoGradient) {
  const Variable x = leaf({2});
  {
    const NoGradient scope;
    EXPECT_FALSE(square(x).requires_gradient());
    { const NoGradient inner; }
    EXPECT_FALSE(square(x).requires_gradient()) << "the inner scope's end must not end the outer one";
  }
  EXPECT_TRUE(square(x).requires_gradient());
}

TEST(Autograd, NoGradientOfAConstantOrDetachedValue) {
  const Variable x = leaf({2});
  EXPECT_FALSE(square(Variable(Tensor::full({1}, DType::float64, 2))).requires_gradient());
  EXPECT_EQ(values_of(gradients(sum(x * square(x).detached()), {x})[0]), Values({4}));
}

TEST(Autograd, AnErrorInsideARuleLeavesRecordingAsItWas) {
  const Variable x = leaf({2});
  const Variable g = gradients(sum(log_gamma(x)), {x}, true)[0];
  EXPECT_THROW(gradients(sum(g), {x}), UsageError);
  EXPECT_TRUE(square(x).requires_gradient());
}

TEST(Autograd, OnlyAScalarCanBeDifferentiated) {
  const Variable x = leaf({1, 2});
  EXPECT_TRUE(
      says(thrown<UsageError>([&] { gradients(square(x), {x}); }), {"[gradients]", "scalar", "(2,)"}));
}

TEST(Autograd, ErrorsNameTheOperationAndTheShapes) {
  const Variable a = leaf({1, 2, 3, 4, 5, 6}, {2, 3});
  const Variable b = leaf({1, 2, 3, 4}, {2, 2});
  const Variable bias = leaf({1, 2});
  const auto expect = [](const char* operation, const char* shape, const std::function<void()>& use) {
    EXPECT_TRUE(says(thrown<UsageError>(use), {operation, shape}));
  };
  expect("[add]", "(2, 3) and (2, 2)", [&] { a + b; });
  expect("[subtract]", "(2, 3) and (2, 2)", [&] { a - b; });
  expect("[multiply]", "(2, 3) and (2, 2)", [&] { a* b; });
  expect("[divide]", "(2, 3) and (2, 2)", [&] { a / b; });
  expect("[reshape]", "(4,)", [&] { reshape(a, {4}); });
  expect("[transpose]", "(2,)", [&] { transpose(bias); });
  expect("[broadcast_to]", "(2, 3)", [&] { broadcast_to(b, {2, 3}); });
  expect("[broadcast_to]", "(3,)", [&] { broadcast_to(a, {3}); });
  expect("[slice]", "3)", [&] { slice(a, 1, 2, 2); });
  expect("[slice]", "(2, 3)", [&] { slice(a, 2, 0, 1); });
  expect("[slice]", "", [&] { slice(a, 0, -1, 1); });
  expect("[concatenate]", "(2, 2)", [&] { concatenate({a, b}, 0); });
  expect("[concatenate]", "", [&] { concatenate({}, 0); });
  expect("[sum]", "(2, 3)", [&] { sum(a, 2); });
  expect("[sum_to]", "(2, 3)", [&] { sum_to(a, {2, 2}); });
  expect("[mean]", "(0,)", [&] { mean(leaf({})); });
  expect("[matmul]", "(2, 3) and (2, 2)", [&] { matmul(a, b); });
  expect("[matmul]", "(2, 3) and (3, 2)", [&] {
    matmul(leaf(Values(6), {2, 3, 1, 1}), leaf(Values(6), {3, 2, 1, 1}));
  });
  expect("[matmul]", "one matrix for all", [&] {
    matmul(leaf(Values(2), {2, 1, 1, 1}), leaf(Values(3), {1, 3, 1, 1}));
  });
  expect("[matmul]", "(2,)", [&] { matmul(a, bias); });
  expect("[linear]", "(2, 3) and (2, 2)", [&] { linear(a, b, bias); });
  expect("[linear]", "(2,)", [&] { linear(leaf({1, 2, 3, 4}, {2, 2}), leaf({1, 2}, {1, 2}), bias); });
}

TEST(Autograd, ErrorsOfTheElbo) {
  using kernels::KlForm;
  using kernels::Prior;
  const Variable encoder = leaf(std::vector<double>(12, 0.1), {3, 4});
  const Variable prior = leaf(std::vector<double>(4, 0.5), {2, 2});
  const Tensor noise = Tensor::zeros({3, 2}, DType::float64);
  const auto latent = [&](const Variable& e, const Variable& p, const Tensor& n, Prior which, KlForm form) {
    return thrown<UsageError>([&] { elbo_latent(e, p, n, which, form); });
  };
  EXPECT_TRUE(says(latent(prior, prior, noise, Prior::gaussian, KlForm::sampled),
                   {"[elbo_latent]", "encoder", "(2, 2)"}));
  EXPECT_TRUE(says(latent(encoder, encoder, noise, Prior::gaussian, KlForm::sampled),
                   {"[elbo_latent]", "prior_parameters", "(3, 4)"}));
  EXPECT_TRUE(
      says(latent(encoder, prior, Tensor::zeros({6}, DType::float64), Prior::gaussian, KlForm::sampled),
           {"[elbo_latent]", "noise", "(6,)"}));
  EXPECT_TRUE(says(latent(encoder, prior, noise, Prior::beta, KlForm::closed), {"Gaussian prior only"}));
  EXPECT_TRUE(says(thrown<UsageError>([&] { elbo_reconstruction(encoder, prior, 1); }),
                   {"[elbo_reconstruction]", "(3, 4)", "(2, 2)"}));
}

TEST(Autograd, MixedTypesAreRefused) {
  const Variable narrow(Tensor::full({2, 2}, DType::float32, 1));
  const Variable wide(Tensor::full({2, 2}, DType::float64, 1));
  for (const auto& use : std::vector<std::function<void()>>{[&] { narrow + wide; }, [&] { wide* narrow; },
                                                            [&] { matmul(narrow, wide); },
                                                            [&] { linear(narrow, wide, sum(wide, 0)); },
                                                            [&] {
                                                              concatenate({narrow, wide}, 0);
                                                            },
                                                            [&] { elbo_reconstruction(narrow, wide, 1); }}) {
    EXPECT_TRUE(says(thrown<UsageError>(use), {"float32", "float64"}));
  }
}

TEST(Autograd, FusedOperationsRefuseComplexNumbers) {
  const Variable z(Tensor::full({2, 2}, DType::complex128, 1));
  EXPECT_TRUE(says(thrown<UsageError>([&] { elbo_reconstruction(z, z, 1); }), {"complex128"}));
}

TEST(FiniteGuard, NamesTheOperation) {
  const Variable x = leaf({-1, 0, 1});
  EXPECT_TRUE(std::isnan(values_of(logarithm(x))[0])) << "without a guard nothing is checked";
  const FiniteGuard guard;
  EXPECT_TRUE(says(thrown<NumericalError>([&] { logarithm(x); }), {"[logarithm]"}));
  EXPECT_TRUE(says(thrown<NumericalError>([&] { exponential(1000 * x); }), {"[exponential]", "inf"}));
}

TEST(FiniteGuard, NamesTheOperationWhoseGradientIsNotFinite) {
  const Variable x = leaf({0, 1});
  const FiniteGuard guard;
  const Variable y = sum(square_root(x));
  EXPECT_TRUE(says(thrown<NumericalError>([&] { gradients(y, {x}); }), {"gradient of [square_root]"}));
}

TEST(FiniteGuard, EndsWithItsScope) {
  const Variable x = leaf({-1});
  { const FiniteGuard guard; }
  EXPECT_NO_THROW(logarithm(x));
}

/// Values and slopes far out, where the formulas must not overflow: float32, x = -1e30, -1e3, 1e3, 1e30.
TEST(Activations, SaturateWithoutOverflow) {
  struct Expected {
    Variable (*function)(const Variable&);
    std::vector<float> values;
    std::vector<float> slopes;
  };
  const std::vector<float> x = {-1e30f, -1e3f, 1e3f, 1e30f};
  const Expected table[] = {
      {tanh, {-1, -1, 1, 1}, {0, 0, 0, 0}},
      {sigmoid, {0, 0, 1, 1}, {0, 0, 0, 0}},
      {softplus, {0, 0, 1e3f, 1e30f}, {0, 0, 1, 1}},
      {silu, {0, 0, 1e3f, 1e30f}, {0, 0, 1, 1}},
      {relu, {0, 0, 1e3f, 1e30f}, {0, 0, 1, 1}},
      {[](const Variable& x) { return smooth_leaky_relu(x, 0.25); },
       {-2.5e29f, -250, 1e3f, 1e30f},
       {.25f, .25f, 1, 1}},
  };
  for (const Expected& row : table) {
    const Variable input(Tensor::from(x, {4}), true);
    const Variable y = row.function(input);
    const std::vector<float> values = y.value().to_vector<float>();
    const std::vector<float> slopes = gradients(sum(y), {input})[0].value().to_vector<float>();
    const std::ptrdiff_t index = &row - table;
    for (int i = 0; i < 4; ++i) {
      EXPECT_FLOAT_EQ(values[i], row.values[i]) << "function " << index << " at " << x[i];
      EXPECT_FLOAT_EQ(slopes[i], row.slopes[i]) << "slope of function " << index << " at " << x[i];
    }
  }
}

}  // namespace
}  // namespace elbow::test
