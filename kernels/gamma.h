#pragma once
// log Gamma and digamma for x > 0, once for CPU and CUDA. At 0 of either sign they take their limits from the
// right, infinity and -infinity; below 0 and for NaN they are NaN, at infinity infinity.
//
// The float functions are double formulas of IEEE operations alone, and so have the same bits on every
// device. They are accurate next to their zeros too: 0.51 units in the last place over all floats
// (docs/results/float_functions.md). Those for double and Complex take the logarithm of the C library; next
// to a zero only their absolute error is small. Polynomials: tests/golden/make_polynomials.py.
#include "kernels/math.h"
#include "kernels/types.h"

namespace elbow::math {

/// The asymptotic series (Abramowitz & Stegun 6.1.41 and 6.3.18, to the term in x^-12) are for x >= 10, where
/// they cost 1e-15. Smaller arguments get there by the recurrences.
ELBOW_HD bool asymptotic(double x) { return !(x < 10); }
inline bool asymptotic(Complex x) { return asymptotic(x.real()); }

template <class T>
ELBOW_HD T log_gamma_series(T x, T log_x) {
  const T r = 1.0 / (x * x);
  const T series =
      (1.0 / 12 -
       r * (1.0 / 360 - r * (1.0 / 1260 - r * (1.0 / 1680 - r * (1.0 / 1188 - r * (691.0 / 360360)))))) /
      x;
  return (x - 0.5) * (log_x - 1.0) - 0.5 + 0.5 * log_two_pi + series;
}

template <class T>
ELBOW_HD T digamma_series(T x, T log_x) {
  const T r = 1.0 / (x * x);
  const T series =
      r * (1.0 / 12 -
           r * (1.0 / 120 - r * (1.0 / 252 - r * (1.0 / 240 - r * (1.0 / 132 - r * (691.0 / 32760))))));
  return log_x - 0.5 / x - series;
}

/// log Gamma(x) = log Gamma(x + n) - log(x (x + 1) ... (x + n - 1)).
template <class T>
ELBOW_HD T log_gamma(T x) {
  if (!positive(x)) return T(x == T(0) ? infinity : not_a_number);
  T product = T(1);
  while (!asymptotic(x)) {
    product *= x;
    x += 1.0;
  }
  return log_gamma_series(x, math::log(x)) - math::log(product);
}

/// d log Gamma(x) / dx = digamma(x + n) - (1 / x + 1 / (x + 1) + ... + 1 / (x + n - 1)).
template <class T>
ELBOW_HD T digamma(T x) {
  if (!positive(x)) return T(x == T(0) ? -infinity : not_a_number);
  T sum = T(0);
  while (!asymptotic(x)) {
    sum += 1.0 / x;
    x += 1.0;
  }
  return digamma_series(x, math::log(x)) - sum;
}

/// log x of IEEE operations alone, x positive, finite and normal; relative error 2^-51.
ELBOW_HD double logarithm(double x) {
  constexpr std::uint64_t sqrt_half = 0x3fe6a09e667f3bcd;
  const auto bits = static_cast<std::uint64_t>(bits_of(x));
  const std::int64_t exponent = static_cast<std::int64_t>(bits - sqrt_half) >> 52;
  const double mantissa =  // in [sqrt(1/2), sqrt(2))
      from_bits(static_cast<std::int64_t>(bits - (static_cast<std::uint64_t>(exponent) << 52)));
  // log m = 2 atanh(s), s = (m - 1) / (m + 1)
  const double f = mantissa - 1.0;
  const double s = f / (2.0 + f);
  const double t = s * s;
  double p = 0x1.2f030c32819b1p-3;
  p = fma(p, t, 0x1.39a1fb8f7d7a4p-3);
  p = fma(p, t, 0x1.74663c295df50p-3);
  p = fma(p, t, 0x1.c71c52180f801p-3);
  p = fma(p, t, 0x1.24924941dd1cap-2);
  p = fma(p, t, 0x1.999999997ff50p-2);
  p = fma(p, t, 0x1.5555555555592p-1);
  return fma(static_cast<double>(exponent), log_two, fma(s * t, p, 2.0 * s));
}

/// log Gamma(x), 1 <= x <= 2: its two zeros times a polynomial.
ELBOW_HD double log_gamma_between_zeros(double x) {
  const double t = x - 1.5;
  double p = 0x1.964964bb256f3p-12;
  p = fma(p, t, -0x1.3e876d8cd4e03p-11);
  p = fma(p, t, 0x1.5e80606d7c49ap-11);
  p = fma(p, t, -0x1.2264fbc46366bp-10);
  p = fma(p, t, 0x1.fa13ed256d708p-10);
  p = fma(p, t, -0x1.a62a256491ba0p-9);
  p = fma(p, t, 0x1.64e4ed2c8c81dp-8);
  p = fma(p, t, -0x1.34d65e036bc98p-7);
  p = fma(p, t, 0x1.1334428c1070cp-6);
  p = fma(p, t, -0x1.007ab35be135dp-5);
  p = fma(p, t, 0x1.01af6282bb7a7p-4);
  p = fma(p, t, -0x1.2aed05956ae81p-3);
  p = fma(p, t, 0x1.eeb95b09516a5p-2);
  return (x - 1.0) * (x - 2.0) * p;
}

/// digamma(x), 1 <= x <= 2: its zero, in two parts, times a polynomial.
ELBOW_HD double digamma_around_zero(double x) {
  const double t = x - 1.5;
  double p = 0x1.5671f4369e120p-8;
  p = fma(p, t, -0x1.f8b460b29f55ep-8);
  p = fma(p, t, 0x1.df497d24a36e1p-8);
  p = fma(p, t, -0x1.6b804dbc67734p-7);
  p = fma(p, t, 0x1.271aab56422c5p-6);
  p = fma(p, t, -0x1.bc0c957809a27p-6);
  p = fma(p, t, 0x1.4dd6faec88640p-5);
  p = fma(p, t, -0x1.fb304f70dd543p-5);
  p = fma(p, t, 0x1.851344b6a78fbp-4);
  p = fma(p, t, -0x1.2fef13c9f488dp-3);
  p = fma(p, t, 0x1.eca189076fb79p-3);
  p = fma(p, t, -0x1.b1cb62d1fb16dp-2);
  p = fma(p, t, 0x1.e6f0cbb88d47bp-1);
  return ((x - 0x1.762d86356be3fp+0) - 0x1.b86a722197829p-54) * p;
}

/// From [1, 2] by Gamma(x + 1) = x Gamma(x); asymptotic from 10 on.
ELBOW_HD float log_gamma(float argument) {
  if (!(argument > 0.0f)) return argument == 0.0f ? infinity : not_a_number;
  double x = argument;
  if (asymptotic(x)) return static_cast<float>(log_gamma_series(x, logarithm(x)));
  if (x < 1.0) return static_cast<float>(log_gamma_between_zeros(x + 1.0) - logarithm(x));
  double product = 1.0;
  while (x > 2.0) {
    x -= 1.0;
    product *= x;
  }
  return static_cast<float>(log_gamma_between_zeros(x) + logarithm(product));
}

/// From [1, 2] by digamma(x + 1) = digamma(x) + 1 / x; asymptotic from 10 on.
ELBOW_HD float digamma(float argument) {
  if (!(argument > 0.0f)) return argument == 0.0f ? -infinity : not_a_number;
  if (!(argument < infinity)) return infinity;
  double x = argument;
  if (asymptotic(x)) return static_cast<float>(digamma_series(x, logarithm(x)));
  if (x < 1.0) return static_cast<float>(digamma_around_zero(x + 1.0) - 1.0 / x);
  double sum = 0.0;
  while (x > 2.0) {
    x -= 1.0;
    sum += 1.0 / x;
  }
  return static_cast<float>(digamma_around_zero(x) + sum);
}

}  // namespace elbow::math
