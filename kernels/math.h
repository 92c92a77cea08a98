#pragma once
// Scalar mathematics, once for CPU and CUDA, for float, double and (CPU, where it makes sense) Complex.
#include <cmath>

#include "kernels/math_float.h"
#include "kernels/types.h"

namespace elbow::math {

inline constexpr double log_two = 0.69314718055994530942;
inline constexpr double log_two_pi = 1.83787706640934548356;
inline constexpr double pi = 3.14159265358979323846;

// Comparisons look at the real part, so that a complex step follows the branch of the real number.
ELBOW_HD bool positive(float x) { return x > 0; }
ELBOW_HD bool positive(double x) { return x > 0; }
inline bool positive(Complex x) { return x.real() > 0; }

template <class T>
ELBOW_HD T absolute(T x) {
  return positive(x) ? x : -x;
}
template <class T>
ELBOW_HD T sign(T x) {
  return positive(x) ? T(1) : (positive(-x) ? T(-1) : T(0));
}

inline Complex fma(Complex a, Complex b, Complex c) { return a * b + c; }

ELBOW_HD float sqrt(float x) { return ::sqrtf(x); }
ELBOW_HD double sqrt(double x) { return ::sqrt(x); }
inline Complex sqrt(Complex x) { return std::sqrt(x); }

ELBOW_HD double exp(double x) { return ::exp(x); }
inline Complex exp(Complex x) { return std::exp(x); }

ELBOW_HD double log(double x) { return ::log(x); }
inline Complex log(Complex x) { return std::log(x); }

ELBOW_HD double log1p(double x) { return ::log1p(x); }
inline Complex log1p(Complex x) { return std::log(1.0 + x); }

ELBOW_HD double tanh(double x) { return ::tanh(x); }
inline Complex tanh(Complex x) { return std::tanh(x); }

ELBOW_HD double sin(double x) { return ::sin(x); }
inline Complex sin(Complex x) { return std::sin(x); }

ELBOW_HD double cos(double x) { return ::cos(x); }
inline Complex cos(Complex x) { return std::cos(x); }

/// sine = sin(pi x), cosine = cos(pi x), 0 <= x <= 2.
ELBOW_HD void sincospi(double x, double& sine, double& cosine) {
  sine = math::sin(pi * x);
  cosine = math::cos(pi * x);
}

// What an activation's value and slope have in common is an argument of both: e = decay(x), t = gelu_tanh(x).

/// e^-|x|.
template <class T>
ELBOW_HD T decay(T x) {
  return math::exp(-absolute(x));
}

/// 1 / (1 + exp(-x)), without overflow.
template <class T>
ELBOW_HD T sigmoid(T x, T e) {
  return (positive(x) ? T(1) : e) / (T(1) + e);
}
template <class T>
ELBOW_HD T sigmoid(T x) {
  return sigmoid(x, decay(x));
}

/// log(1 + exp(x)), without overflow.
template <class T>
ELBOW_HD T softplus(T x, T e) {
  return (positive(x) ? x : T(0)) + math::log1p(e);
}
template <class T>
ELBOW_HD T softplus(T x) {
  return softplus(x, decay(x));
}

/// p x + (1 - p) log(1 + e^x), and its slope.
template <class T, class Decay>
ELBOW_HD T smooth_leaky_relu(T x, T p, Decay e) {
  return p * x + (T(1) - p) * softplus(x, e);
}
template <class T, class Decay>
ELBOW_HD T smooth_leaky_relu_slope(T x, T p, Decay e) {
  return p + (T(1) - p) * sigmoid(x, e);
}

inline constexpr double gelu_cubic = 0.044715;
inline constexpr double gelu_rate = 0.79788456080286535588;  // sqrt(2 / pi)

/// GELU's tanh.
template <class T>
ELBOW_HD T gelu_tanh(T x) {
  return math::tanh(T(gelu_rate) * (x + T(gelu_cubic) * x * x * x));
}

/// The tanh form of GELU (Hendrycks & Gimpel, 2016), x (1 + t) / 2, and its slope.
template <class T>
ELBOW_HD T gelu(T x, T t) {
  return T(0.5) * x * (T(1) + t);
}
template <class T>
ELBOW_HD T gelu_slope(T x, T t) {
  const T inner_slope = T(gelu_rate) * (T(1) + T(3 * gelu_cubic) * x * x);
  return T(0.5) * (T(1) + t + x * (T(1) - t * t) * inner_slope);
}

}  // namespace elbow::math
