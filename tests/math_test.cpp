// kernels/math.h and kernels/gamma.h: accuracy, special values, and the same bits from every instruction set.
// bench/bench_ulp_sweep.cpp tries every float; here it is every 65,537th, and those next to special points.
#include "kernels/math.h"

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "kernels/gamma.h"
#include "kernels/unary.h"
#include "tests/exact_functions.h"

namespace elbow {
namespace {

using kernels::Unary;
using kernels::UnaryFunction;
constexpr float inf = std::numeric_limits<float>::infinity();
constexpr float nan = std::numeric_limits<float>::quiet_NaN();
constexpr float smallest = std::numeric_limits<float>::denorm_min();
constexpr float largest = std::numeric_limits<float>::max();

struct Function {
  const char* name;
  UnaryFunction kernel;
  float (*value)(float);
  double (*exact)(double);
};

const Function functions[] = {
    {"exp", UnaryFunction::exponential, [](float x) { return math::exp(x); }, exact::exp},
    {"log", UnaryFunction::logarithm, [](float x) { return math::log(x); }, exact::log},
    {"tanh", UnaryFunction::tanh, [](float x) { return math::tanh(x); }, exact::tanh},
    {"sigmoid", UnaryFunction::sigmoid, [](float x) { return math::sigmoid(x); }, exact::sigmoid},
    {"softplus", UnaryFunction::softplus, [](float x) { return math::softplus(x); }, exact::softplus},
    {"sin", UnaryFunction::sine, [](float x) { return math::sin(x); }, exact::sin},
    {"cos", UnaryFunction::cosine, [](float x) { return math::cos(x); }, exact::cos},
    {"log_gamma", UnaryFunction::log_gamma, [](float x) { return math::log_gamma(x); }, exact::log_gamma},
    {"digamma", UnaryFunction::digamma, [](float x) { return math::digamma(x); }, exact::digamma},
};

/// A sample of all floats, signs and special values included, and the neighbours of points where formulas
/// change.
std::vector<float> sample() {
  std::vector<float> floats;
  for (std::uint64_t bits = 0; bits < (std::uint64_t{1} << 32); bits += 65537) {
    floats.push_back(std::bit_cast<float>(static_cast<std::uint32_t>(bits)));
  }
  for (const float point :
       {0.0f, smallest, 0x1p-126f, 0x1p-26f, 0x1p-24f, 0.25f, 0.34657359f, 0.41421356f, 0.5f, 0.70710678f,
        0.92f, 1.0f, 1.41421356f, 1.4616321f, 2.0f, 10.0f, 15.0f, 0x1p24f, 0x1p25f, 87.33654f, 88.72284f,
        89.0f, 103.97208f, 104.0f, largest, inf, nan,
        // next to multiples of pi / 2, the hardest to reduce
        0x1.f37c8ap+95f, 0x1.47d0fep+34f, 0x1.f9cbe2p+7f, 0x1.32ede2p+85f, 0x1.628d4cp+40f, 0x1.130930p+76f,
        0x1.b08c4ap+111f,
        // where docs/results/float_functions.md saw the largest errors
        15.5966196f, 0x1.688042p-1f, 0x1.9e0d86p-2f, 0x1.dce03p-1f, 0x1.a55feap+2f, 0x1.ffb9acp-1f,
        0x1.2496f8p+100f, 0x1.bd03f4p-3f, 0x1.45f148p-127f, 0x1.ff9d4p-3f, 0x1.6f7e86p+0f, 0x1.000448p+1f}) {
    float below = point, above = point;
    for (int step = 0; step < 8; ++step) {
      for (const float x : {below, above, -below, -above}) floats.push_back(x);
      below = std::nextafter(below, -inf);
      above = std::nextafter(above, inf);
    }
  }
  return floats;
}

void expect_within_one_ulp(const char* name, float x, float value, double exact) {
  EXPECT_TRUE(exact::special_is_right(value, exact))
      << name << "(" << x << ") = " << value << ", expected " << exact;
  if (exact::is_special(value, exact)) return;
  EXPECT_LE(exact::ulp_error(value, exact), 1.0)
      << name << "(" << x << ") = " << value << ", expected " << exact;
}

TEST(MathTest, FloatFunctionsAreWithinOneUlp) {
  const std::vector<float> floats = sample();
  for (const Function& f : functions) {
    for (const float x : floats) expect_within_one_ulp(f.name, x, f.value(x), f.exact(x));
  }
  for (const float x : floats) expect_within_one_ulp("log1p", x, math::log1p(x), exact::log1p(x));
}

TEST(MathTest, SincospiIsWithinOneUlp) {
  const auto check = [](float x) {
    float sine, cosine;
    math::sincospi(x, sine, cosine);
    expect_within_one_ulp("sinpi", x, sine, exact::sinpi(x));
    expect_within_one_ulp("cospi", x, cosine, exact::cospi(x));
  };
  for (int i = 0; i <= 1 << 20; ++i) check(0x1p-19f * static_cast<float>(i));
  for (const float x : sample()) {
    if (0 <= x && x <= 2 && !std::signbit(x)) check(x);
  }
}

TEST(MathTest, SpecialValues) {
  const auto same = [](float value, float expected) {  // -0 is not 0
    return std::isnan(expected) ? std::isnan(value)
                                : std::bit_cast<int>(value) == std::bit_cast<int>(expected);
  };
#define EXPECT_SAME(value, expected) EXPECT_PRED2(same, value, expected)
  EXPECT_SAME(math::exp(-inf), 0.0f);
  EXPECT_SAME(math::exp(inf), inf);
  EXPECT_SAME(math::exp(-0.0f), 1.0f);
  EXPECT_SAME(math::exp(89.0f), inf);
  EXPECT_SAME(math::exp(-103.9f), smallest);
  EXPECT_SAME(math::exp(-104.0f), 0.0f);
  EXPECT_SAME(math::log(0.0f), -inf);
  EXPECT_SAME(math::log(-0.0f), -inf);
  EXPECT_SAME(math::log(-smallest), nan);
  EXPECT_SAME(math::log(1.0f), 0.0f);
  EXPECT_SAME(math::log(inf), inf);
  EXPECT_SAME(math::log1p(-0.0f), -0.0f);
  EXPECT_SAME(math::log1p(smallest), smallest);
  EXPECT_SAME(math::log1p(-1.0f), -inf);
  EXPECT_SAME(math::log1p(std::nextafter(-1.0f, -2.0f)), nan);
  EXPECT_SAME(math::log1p(inf), inf);
  EXPECT_SAME(math::tanh(-0.0f), -0.0f);
  EXPECT_SAME(math::tanh(-smallest), -smallest);
  EXPECT_SAME(math::tanh(inf), 1.0f);
  EXPECT_SAME(math::tanh(-inf), -1.0f);
  EXPECT_SAME(math::sigmoid(-inf), 0.0f);
  EXPECT_SAME(math::sigmoid(inf), 1.0f);
  EXPECT_SAME(math::sigmoid(0.0f), 0.5f);
  EXPECT_SAME(math::softplus(-inf), 0.0f);
  EXPECT_SAME(math::softplus(inf), inf);
  EXPECT_SAME(math::softplus(largest), largest);
  EXPECT_SAME(math::sin(-0.0f), -0.0f);
  EXPECT_SAME(math::cos(-0.0f), 1.0f);
  EXPECT_SAME(math::sin(inf), nan);
  EXPECT_SAME(math::cos(-inf), nan);
  EXPECT_SAME(math::log_gamma(0.0f), inf);
  EXPECT_SAME(math::log_gamma(-0.0f), inf);
  EXPECT_SAME(math::log_gamma(-smallest), nan);
  EXPECT_SAME(math::log_gamma(1.0f), 0.0f);
  EXPECT_SAME(math::log_gamma(2.0f), 0.0f);
  EXPECT_SAME(math::log_gamma(largest), inf);
  EXPECT_SAME(math::log_gamma(inf), inf);
  EXPECT_SAME(math::log_gamma(-inf), nan);
  EXPECT_SAME(math::digamma(0.0f), -inf);
  EXPECT_SAME(math::digamma(-0.0f), -inf);
  EXPECT_SAME(math::digamma(smallest), -inf);
  EXPECT_SAME(math::digamma(-smallest), nan);
  EXPECT_SAME(math::digamma(inf), inf);
  EXPECT_SAME(math::digamma(-inf), nan);
  for (const Function& f : functions) EXPECT_SAME(f.value(nan), nan) << f.name;
  EXPECT_SAME(math::log1p(nan), nan);
#undef EXPECT_SAME
}

TEST(MathTest, EveryInstructionSetGivesTheBitsOfTheScalarFormula) {
  const std::vector<float> input = sample();
  std::vector<float> output(input.size());
  const std::int64_t supported = hwy::SupportedTargets();
  for (const std::int64_t target : {HWY_SCALAR, HWY_SSSE3, HWY_SSE4, HWY_NEON, HWY_AVX2, HWY_AVX3}) {
    if (target != HWY_SCALAR && (supported & target) == 0) continue;
    SCOPED_TRACE(hwy::TargetName(target));
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    for (const Function& f : functions) {
      kernels::cpu::run(
          Unary<float>{f.kernel, static_cast<Index>(input.size()), 0, input.data(), output.data()});
      for (std::size_t i = 0; i < input.size(); ++i) {
        const float expected = f.value(input[i]);
        if (std::isnan(expected) && std::isnan(output[i])) continue;
        ASSERT_EQ(std::bit_cast<std::uint32_t>(output[i]), std::bit_cast<std::uint32_t>(expected))
            << f.name << "(" << input[i] << ") = " << output[i] << ", scalar " << expected;
      }
    }
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

// The asymptotic series at x >= 10 costs 1e-15; the largest term that is added or taken away is below 4 |log
// Gamma|
// + 30, and about ten roundings meet it.
TEST(MathTest, LogGammaAndDigammaInDouble) {
  constexpr double epsilon = std::numeric_limits<double>::epsilon();
  for (double x = 1e-3; x < 1e4; x *= 1.01) {
    EXPECT_NEAR(math::log_gamma(x), std::lgamma(x), 10 * epsilon * (4 * std::abs(std::lgamma(x)) + 30)) << x;
    // Complex step: Im f(x + ih) / h = f'(x).
    const double h = 1e-30;
    const double slope = math::log_gamma(Complex(x, h)).imag() / h;
    EXPECT_NEAR(slope, math::digamma(x), 10 * epsilon * (2 / x + 2 * std::abs(std::log(x)) + 10)) << x;
    // digamma(x + 1) = digamma(x) + 1 / x, for Complex too.
    EXPECT_NEAR(math::digamma(x + 1), math::digamma(x) + 1 / x,
                10 * epsilon * (2 / x + 2 * std::abs(std::log(x)) + 10))
        << x;
    EXPECT_EQ(math::digamma(Complex(x, 0)).imag(), 0);
    EXPECT_NEAR(math::digamma(Complex(x, 0)).real(), math::digamma(x),
                epsilon * (2 / x + 2 * std::abs(std::log(x)) + 10));
  }
  EXPECT_NEAR(math::digamma(1.0), -0.57721566490153286061, 20 * epsilon);    // minus Euler's constant
  EXPECT_NEAR(math::log_gamma(0.5), 0.57236494292470008707, 200 * epsilon);  // log(pi) / 2
  for (const double x : {-5e-324, -1.0, -1e300, std::nan("")}) {
    EXPECT_TRUE(std::isnan(math::log_gamma(x))) << x;
    EXPECT_TRUE(std::isnan(math::digamma(x))) << x;
  }
  EXPECT_EQ(math::log_gamma(0.0), inf);
  EXPECT_EQ(math::digamma(0.0), -inf);
}

}  // namespace
}  // namespace elbow
