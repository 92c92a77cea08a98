#pragma once
// What the float functions of kernels/math.h are held to: the exact value to at least 2^-48, and the distance
// from it in units in the last place. Their x are floats; only the arithmetic is double or long double.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "kernels/math.h"

namespace elbow::exact {

inline double exp(double x) { return std::exp(x); }
inline double log(double x) { return std::log(x); }
inline double log1p(double x) { return std::log1p(x); }
inline double tanh(double x) { return std::tanh(x); }
inline double sin(double x) { return std::sin(x); }
inline double cos(double x) { return std::cos(x); }

inline double sigmoid(double x) {
  const double e = std::exp(-std::abs(x));
  return (x > 0 ? 1 : e) / (1 + e);
}

inline double softplus(double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))); }

/// sin(pi x) and cos(pi x), 0 <= x <= 2, reduced without rounding: 1 - x, x - 2 and x - 1/2 are exact. Their
/// zeros are +0, as IEEE 754 has them.
inline double sinpi(double x) {
  return x > 1.5   ? std::sin(math::pi * (x - 2))
         : x > 0.5 ? std::sin(math::pi * (1 - x))
                   : std::sin(math::pi * x);
}
inline double cospi(double x) {
  const double from_one = std::abs(x - 1);  // cos(pi x) = -cos(pi (x - 1))
  if (from_one < 0.25) return -std::cos(math::pi * from_one);
  return from_one < 0.75 ? std::sin(math::pi * (from_one - 0.5)) : std::cos(math::pi * (1 - from_one));
}

/// x > 0, infinity at 0, else NaN. The library's long double function is accurate next to its zeros too.
inline double log_gamma(double x) {
  int sign;
  return x < 0 ? std::numeric_limits<double>::quiet_NaN() : static_cast<double>(::lgammal_r(x, &sign));
}

/// x > 0, -infinity at 0, else NaN. In long double the asymptotic series from x = 20 on, to the term in
/// x^-14, and the recurrence leave 2^-59; no float is closer to the zero than where digamma is 2^-26.5.
inline double digamma(double argument) {
  if (argument < 0) return std::numeric_limits<double>::quiet_NaN();
  long double x = argument;
  constexpr long double euler = 0.57721566490153286060651209008240243L, zeta_2 = 1.64493406684822643647L,
                        zeta_3 = 1.20205690315959428540L;
  if (x == 0 || std::isinf(x)) return static_cast<double>(x == 0 ? -1 / std::abs(x) : x);
  if (x < 0x1p-20L) return static_cast<double>(-1 / x - euler + x * (zeta_2 - x * zeta_3));
  long double sum = 0;
  for (; x < 20; x += 1) sum += 1 / x;
  const long double r = 1 / (x * x);
  const long double series =
      r *
      (1 / 12.0L -
       r * (1 / 120.0L -
            r * (1 / 252.0L - r * (1 / 240.0L - r * (1 / 132.0L - r * (691 / 32760.0L - r * (1 / 12.0L)))))));
  return static_cast<double>(std::log(x) - 0.5L / x - series - sum);
}

/// Distance from the exact value in spacings of float there.
inline double ulp_error(float value, double exact) {
  const double size = std::max(std::abs(exact), 0x1p-126);
  const double binade = std::bit_cast<double>(std::bit_cast<std::uint64_t>(size) & 0x7ff0000000000000u);
  return std::abs(value - exact) / (binade * 0x1p-23);
}

/// Whether the value, or the exact one rounded to float, is infinite or NaN.
inline bool is_special(float value, double exact) {
  return !std::isfinite(value) || !std::isfinite(static_cast<float>(exact));
}

/// Infinity, NaN and the sign of zero are as they should be.
inline bool special_is_right(float value, double exact) {
  const float rounded = static_cast<float>(exact);
  if (is_special(value, exact)) return value == rounded || (std::isnan(value) && std::isnan(rounded));
  return (value != 0 && rounded != 0) || std::signbit(value) == std::signbit(rounded);
}

}  // namespace elbow::exact
