#pragma once
// Float mathematics from IEEE operations alone: add, multiply, fma, divide, compare, select and integer
// operations on the bits. So CPU and GPU give the same bits, and compilers vectorise loops over these
// functions.
//
// Largest errors over all floats, in units in the last place (docs/results/float_functions.md):
//   exp 0.88, log 0.83, log1p 0.84, tanh 0.96, sigmoid 0.90, softplus 0.97, sin and cos 0.51,
//   sin(pi x) 0.97, cos(pi x) 0.89
// No special value (infinity, NaN, the sign of zero) is wrong.
// Polynomials: tests/golden/make_polynomials.py. Where rounding an intermediate result would cost too much, a
// Pair carries what the rounding left out.
#include <cmath>
#include <cstdint>

#include "kernels/types.h"

namespace elbow::math {

ELBOW_HD float fma(float a, float b, float c) { return ::fmaf(a, b, c); }
ELBOW_HD double fma(double a, double b, double c) { return ::fma(a, b, c); }

ELBOW_HD std::int32_t bits_of(float x) { return __builtin_bit_cast(std::int32_t, x); }
ELBOW_HD std::int64_t bits_of(double x) { return __builtin_bit_cast(std::int64_t, x); }
ELBOW_HD float from_bits(std::int32_t bits) { return __builtin_bit_cast(float, bits); }
ELBOW_HD double from_bits(std::int64_t bits) { return __builtin_bit_cast(double, bits); }

inline constexpr std::int32_t sign_bit = -0x7fffffff - 1;
ELBOW_HD float magnitude(float x) { return from_bits(bits_of(x) & ~sign_bit); }
ELBOW_HD float minus_magnitude(float x) { return from_bits(bits_of(x) | sign_bit); }

inline constexpr float infinity = __builtin_huge_valf();
inline constexpr float not_a_number = __builtin_nanf("");

// log 2 in two parts. Products of the first with exponents are multiples of 2^-24, which keeps sums below
// exact.
inline constexpr float log_two_high = 0x1.62e430p-1f;
inline constexpr float log_two_low = -0x1.05c610p-29f;

/// An unevaluated sum; |low| is about half a unit in the last place of high at most.
struct Pair {
  float high;
  float low;
};

/// x = exponent log 2 + remainder, |remainder| <= log 2 / 2.
struct ReducedExponent {
  std::int32_t exponent;
  Pair remainder;
};

/// x in [-104, 89].
ELBOW_HD ReducedExponent reduce_exponent(float x) {
  constexpr float to_integer = 0x1.8p23f;  // adding it leaves the nearest integer in the lowest bits
  constexpr float log2_e = 0x1.715476p+0f;
  const float shifted = fma(x, log2_e, to_integer);
  const float n = shifted - to_integer;
  const float first = fma(n, -log_two_high, x);  // exact
  const float high = fma(n, -log_two_low, first);
  return {bits_of(shifted) - bits_of(to_integer), {high, fma(n, -log_two_low, first - high)}};
}

/// (e^r - 1 - r) / r^2, |r| <= log 2 / 2.
ELBOW_HD float exp_series(float r) {
  float p = 0x1.6a4d34p-10f;
  p = fma(p, r, 0x1.12398ep-7f);
  p = fma(p, r, 0x1.5558b0p-5f);
  p = fma(p, r, 0x1.555492p-3f);
  return fma(p, r, 0x1.fffffcp-2f);
}

/// e^r - 1 for a reduced remainder, before the last addition: r.high + exp_tail(r).
ELBOW_HD float exp_tail(Pair r) { return fma(r.high * r.high, exp_series(r.high), r.low); }

/// x 2^exponent, exponent in [-252, 254], with one rounding.
ELBOW_HD float scaled(float x, std::int32_t exponent) {
  const std::int32_t half = exponent >> 1;
  return x * from_bits((half + 127) << 23) * from_bits((exponent - half + 127) << 23);
}

ELBOW_HD float exp(float x) {
  const float bounded = x < -104.0f ? -104.0f : (x > 89.0f ? 89.0f : x);  // 0 and infinity from there on
  const auto [exponent, r] = reduce_exponent(bounded);
  return scaled(1.0f + (r.high + exp_tail(r)), exponent);
}

/// e^-|x|.
ELBOW_HD Pair decay(float x) {
  const float size = minus_magnitude(x);
  const auto [exponent, r] = reduce_exponent(-104.0f > size ? -104.0f : size);
  const float above_one = r.high + exp_tail(r);
  const float high = 1.0f + above_one;
  const float low = (1.0f - high) + above_one;
  // 2^exponent may be subnormal, 2^(exponent + 64) is not: the second product alone rounds.
  const float scale = from_bits((exponent + 64 + 127) << 23);
  return {high * scale * 0x1p-64f, low * scale * 0x1p-64f};
}

/// (log(1 + f) - f) / f^2, 1 + f in [sqrt(1/2), sqrt(2)].
ELBOW_HD float log_series(float f) {
  float p = 0x1.13cdfap-4f;
  p = fma(p, f, -0x1.ddaa22p-4f);
  p = fma(p, f, 0x1.e6df88p-4f);
  p = fma(p, f, -0x1.fc3c22p-4f);
  p = fma(p, f, 0x1.233ab8p-3f);
  p = fma(p, f, -0x1.555b94p-3f);
  p = fma(p, f, 0x1.99a47ap-3f);
  p = fma(p, f, -0x1.000008p-2f);
  p = fma(p, f, 0x1.555548p-2f);
  return fma(p, f, -0.5f);
}

/// exponent log 2 + log(1 + f + f_low), 1 + f in [sqrt(1/2), sqrt(2)].
ELBOW_HD Pair log_pair(float exponent, float f, float f_low) {
  const float high = fma(exponent, log_two_high, f);
  const float rounding = fma(exponent, log_two_high, -high) + f;  // both exact
  const float rest = fma(exponent, log_two_low, rounding + fma(-f, f_low, f_low));
  return {high, fma(f * f, log_series(f), rest)};
}

/// A positive normal number as 2^exponent mantissa, mantissa in [sqrt(1/2), sqrt(2)). Of others nothing is
/// promised; the differences are taken without sign, where they may wrap.
struct Parts {
  std::int32_t exponent;
  float mantissa;
};
ELBOW_HD Parts parts_of(float x) {
  constexpr std::uint32_t sqrt_half = 0x3f3504f3;
  const auto bits = static_cast<std::uint32_t>(bits_of(x));
  const std::int32_t exponent = static_cast<std::int32_t>(bits - sqrt_half) >> 23;
  return {exponent,
          from_bits(static_cast<std::int32_t>(bits - (static_cast<std::uint32_t>(exponent) << 23)))};
}

ELBOW_HD float log(float x) {
  const bool subnormal = x < 0x1p-126f;
  const auto [exponent, mantissa] = parts_of(subnormal ? x * 0x1p23f : x);
  const Pair result =
      log_pair(static_cast<float>(subnormal ? exponent - 23 : exponent), mantissa - 1.0f, 0.0f);
  const float regular = x > 0.0f ? result.high + result.low : (x == 0.0f ? -infinity : not_a_number);
  return x < infinity ? regular : x;  // infinity and NaN themselves
}

ELBOW_HD float log1p(float x) {
  const auto [exponent, mantissa] = parts_of(1.0f + x);
  // 1 + f = 2^-exponent (1 + x), with f as a pair: 1 + x may have been rounded.
  const float scale = from_bits((127 - exponent) << 23);
  const float scaled_one = scale - 1.0f;
  const float scaled_x = scale * x;
  const float f = scaled_one + scaled_x;
  const float x_part = f - scaled_one;
  const float f_low = (scaled_one - (f - x_part)) + (scaled_x - x_part);
  const bool large = exponent > 24;  // where the scale runs out, and 1 + x is x
  const Pair result =
      log_pair(static_cast<float>(exponent), large ? mantissa - 1.0f : f, large ? 0.0f : f_low);
  const float regular = x > -1.0f ? result.high + result.low : (x == -1.0f ? -infinity : not_a_number);
  return x < infinity && magnitude(x) > 0x1p-26f ? regular : x;  // -0, infinity and NaN among them
}

/// Odd polynomial up to 0.92, then 1 - 2 / (1 + exp(2 x)).
ELBOW_HD float tanh(float x) {
  const float size = magnitude(x);
  const float t = x * x;
  float p = -0x1.c887acp-12f;
  p = fma(p, t, 0x1.4b8a3cp-9f);
  p = fma(p, t, -0x1.0d04a2p-7f);
  p = fma(p, t, 0x1.627c42p-6f);
  p = fma(p, t, -0x1.b9bb82p-5f);
  p = fma(p, t, 0x1.110eccp-3f);
  p = fma(p, t, -0x1.55554cp-2f);
  const float near_zero = fma(size * t, p, size);
  const auto [exponent, r] = reduce_exponent(size > 15.0f ? 30.0f : 2.0f * size);
  const float power = from_bits((exponent + 127) << 23);
  const float denominator = fma(power, r.high + exp_tail(r), power + 1.0f);
  const float far = 1.0f - 2.0f / denominator;
  return from_bits(bits_of(size > 0.92f ? far : near_zero) | (bits_of(x) & sign_bit));
}

/// 1 / (1 + exp(-x)), e = decay(x).
ELBOW_HD float sigmoid(float x, Pair e) {
  const Pair numerator = x > 0.0f ? Pair{1.0f, 0.0f} : e;
  const float denominator = 1.0f + e.high;
  const float denominator_low = ((1.0f - denominator) + e.high) + e.low;
  const float inverse = 1.0f / denominator;
  const float quotient = numerator.high * inverse;
  const float remainder =
      fma(-quotient, denominator, numerator.high) + fma(-quotient, denominator_low, numerator.low);
  return fma(remainder, inverse, quotient);
}

/// log(1 + exp(x)), e = decay(x).
ELBOW_HD float softplus(float x, Pair e) {
  // 1 + e = 2^exponent (1 + f)
  const bool halve = e.high > 0x1.a82798p-2f;  // sqrt(2) - 1
  const float half = 0.5f * e.high;
  const float f = halve ? half - 0.5f : e.high;
  const float f_low = halve ? fma(0.5f, e.low, half - (f + 0.5f)) : e.low;
  const Pair smooth = log_pair(halve ? 1.0f : 0.0f, f, f_low);
  const float ramp = x > 0.0f ? x : 0.0f;
  const float larger = ramp > smooth.high ? ramp : smooth.high;
  const float smaller = ramp > smooth.high ? smooth.high : ramp;
  const float sum = larger + smaller;
  const float regular = sum + (((larger - sum) + smaller) + smooth.low);
  return x < infinity ? regular : x;
}

/// sine = sin(pi x), cosine = cos(pi x), 0 <= x <= 2. Zeros are +0, as IEEE 754 has them.
ELBOW_HD void sincospi(float x, float& sine, float& cosine) {
  constexpr float to_integer = 0x1.8p23f;
  const float shifted = fma(x, 2.0f, to_integer);
  const std::int32_t quarter = bits_of(shifted);
  const float r = fma(shifted - to_integer, -0.5f, x);  // |r| <= 1/4
  const float t = r * r;
  const float t_low = fma(r, r, -t);
  float p = 0x1.44392ap-4f;
  p = fma(p, t, -0x1.32ada8p-1f);
  p = fma(p, t, 0x1.466b78p+1f);
  p = fma(p, t, -0x1.4abbcep+2f);
  const float pi_high = 0x1.921fb6p+1f, pi_low = -0x1.777a5cp-24f;
  const float s = fma(r, pi_high, r * fma(p, t, pi_low));
  float q = 0x1.d4e30ep-3f;
  q = fma(q, t, -0x1.55b298p+0f);
  q = fma(q, t, 0x1.03c1b0p+2f);
  const float half_pi_squared = -0x1.3bd3ccp+2f;
  q = fma(q, t, half_pi_squared);
  const float c = fma(q, t, fma(half_pi_squared, t_low, 1.0f));
  const bool exchange = (quarter & 1) != 0;
  sine = 0.0f + from_bits(bits_of(exchange ? c : s) ^ ((quarter & 2) << 30));
  cosine = 0.0f + from_bits(bits_of(exchange ? s : c) ^ (((quarter + 1) & 2) << 30));
}

/// x = (quarter + rest) pi / 2, |rest| <= 1/2; of `quarter` only the lowest two bits are right.
struct QuarterTurns {
  std::uint64_t quarter;
  double rest;
};

/// x finite. Its products with the parts of 2 / pi are exact, and so is each sum until the parts no longer
/// reach the lowest bit of x; whole quarters are taken off at every step (Payne & Hanek, 1983, in floating
/// point).
ELBOW_HD QuarterTurns quarter_turns(float x) {
  constexpr double two_over_pi[] = {0x1.45f3068p-1,   0x1.7272208p-27,  0x1.4a7f090p-54,  0x1.abe8fa8p-79,
                                    0x1.a6ee060p-107, 0x1.b629590p-132, 0x1.2788720p-157, 0x1.07f9440p-186};
  constexpr double to_integer = 0x1.8p52;  // adding it leaves the nearest integer in the lowest bits
  QuarterTurns result = {0, -0.0};         // so that the rest of -0 is -0
  for (const double part : two_over_pi) {
    const double product = static_cast<double>(x) * part;
    const double full_turns = fma(product, 0.25, to_integer) - to_integer;
    const double rest = result.rest + fma(full_turns, -4.0, product);
    const double shifted = rest + to_integer;
    result.quarter += static_cast<std::uint64_t>(bits_of(shifted));
    result.rest = rest - (shifted - to_integer);
  }
  return result;
}

/// sin(x + quarter pi / 2). In double: a float argument leaves no other way to be exact.
ELBOW_HD float sine_shifted(float x, std::uint64_t quarter) {
  const QuarterTurns turns = quarter_turns(x);
  const double r = turns.rest * 0x1.921fb54442d18p+0;
  const double t = r * r;
  double p = 0x1.6ccf6f114a351p-19;
  p = fma(p, t, -0x1.a00f74a9ac18fp-13);
  p = fma(p, t, 0x1.1111085d6959ep-7);
  p = fma(p, t, -0x1.5555554c60237p-3);
  const double sine = r * fma(t, p, 1.0);
  double q = 0x1.9913b77fe7131p-16;
  q = fma(q, t, -0x1.6c07e57b58240p-10);
  q = fma(q, t, 0x1.55553c5bddeedp-5);
  q = fma(q, t, -0x1.ffffffcb37bccp-2);
  const double cosine = fma(q, t, 1.0);
  const std::uint64_t quadrant = turns.quarter + quarter;
  const double size = (quadrant & 1) != 0 ? cosine : sine;
  const double value = (quadrant & 2) != 0 ? -size : size;
  return magnitude(x) < infinity ? static_cast<float>(value) : not_a_number;
}
ELBOW_HD float sin(float x) { return sine_shifted(x, 0); }
ELBOW_HD float cos(float x) { return sine_shifted(x, 1); }

}  // namespace elbow::math
