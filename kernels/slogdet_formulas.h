#pragma once
// What the twins of kernels/slogdet.h share: the determinant as mantissa and exponent, and its summary.
#include <type_traits>

#include "kernels/math.h"
#include "kernels/slogdet.h"

namespace elbow::kernels {

/// How IEEE numbers are laid out in bits.
template <class T>
struct Layout {
  using Bits = std::int64_t;
  static constexpr int mantissa_bits = 52;
  static constexpr Bits bias = 1023;
  static constexpr Bits magnitude_mask = 0x7fffffffffffffff;
  static constexpr Bits infinity = 0x7ff0000000000000;  ///< also where the exponent lies
};
template <>
struct Layout<float> {
  using Bits = std::int32_t;
  static constexpr int mantissa_bits = 23;
  static constexpr Bits bias = 127;
  static constexpr Bits magnitude_mask = 0x7fffffff;
  static constexpr Bits infinity = 0x7f800000;
};
template <class T>
using BitsOf = typename Layout<T>::Bits;

template <class T>
inline constexpr BitsOf<T> smallest_normal_bits = BitsOf<T>(1) << Layout<T>::mantissa_bits;
template <class T>
inline constexpr BitsOf<T> bits_of_one = Layout<T>::bias << Layout<T>::mantissa_bits;

/// abs(x) as an integer that grows with it; NaN is larger than infinity.
template <class T>
ELBOW_HD BitsOf<T> magnitude_bits(T x) {
  return math::bits_of(x) & Layout<T>::magnitude_mask;
}
inline BitsOf<double> magnitude_bits(Complex x) { return magnitude_bits(x.real()); }

/// x = mantissa 2^exponent, 1 <= abs(mantissa) < 2, for a normal number; for others the pair means nothing.
template <class T>
struct Scaled {
  T mantissa;
  BitsOf<T> exponent;
};
template <class T>
ELBOW_HD Scaled<T> scaled(T x) {
  const BitsOf<T> bits = math::bits_of(x);
  return {math::from_bits((bits & ~Layout<T>::infinity) | bits_of_one<T>),
          ((bits & Layout<T>::magnitude_mask) >> Layout<T>::mantissa_bits) - Layout<T>::bias};
}
inline Scaled<Complex> scaled(Complex x) {
  const Scaled<double> real = scaled(x.real());
  return {{real.mantissa, std::ldexp(x.imag(), -static_cast<int>(real.exponent))}, real.exponent};
}

/// The product of the pivots of one matrix so far.
template <class T>
struct PivotProduct {
  T mantissa = T(1);  ///< with the sign
  BitsOf<T> exponent = 0;
  BitsOf<T> smallest =
      Layout<T>::magnitude_mask;  ///< magnitude_bits of the smallest pivot, and of the largest
  BitsOf<T> largest = 0;
};

/// Pivots that are multiplied before the mantissa is made normal again: it stays below 2^16.
inline constexpr int pivots_per_scaling = 16;

/// Takes in u_kk; `exchanged` tells whether it came from another row.
template <class T>
ELBOW_HD void multiply(PivotProduct<T>& product, Index k, T pivot, bool exchanged) {
  const Scaled<T> next = scaled(pivot);
  const BitsOf<T> magnitude = magnitude_bits(pivot);
  product.mantissa = product.mantissa * (exchanged ? -next.mantissa : next.mantissa);
  product.exponent += next.exponent;
  product.smallest = magnitude < product.smallest ? magnitude : product.smallest;
  product.largest = magnitude > product.largest ? magnitude : product.largest;
  if (k % pivots_per_scaling == pivots_per_scaling - 1) {
    const Scaled<T> normal = scaled(product.mantissa);
    product.mantissa = normal.mantissa;
    product.exponent += normal.exponent;
  }
}

/// log(abs(mantissa) 2^exponent), mantissa normal.
ELBOW_HD float log_abs(float mantissa, std::int32_t exponent) {
  const auto [own, rest] = math::parts_of(math::magnitude(mantissa));
  const math::Pair log = math::log_pair(static_cast<float>(exponent + own), rest - 1.0f, 0.0f);
  return log.high + log.low;
}
template <class T>
ELBOW_HD T log_abs(T mantissa, std::int64_t exponent) {
  const T size = math::absolute(mantissa);
  // In [1/2, 2) where the whole is, so that a determinant near 1 has a logarithm without cancellation.
  const Scaled<T> normal = scaled(size);
  const bool halve = math::positive(normal.mantissa - T(1.5));
  const std::int64_t whole = exponent + normal.exponent + (halve ? 1 : 0);
  return math::fma(T(static_cast<double>(whole)), T(math::log_two),
                   math::log(halve ? T(0.5) * normal.mantissa : normal.mantissa));
}

/// What the contract says of one matrix.
template <class T>
struct Summary {
  T sign;
  T log_abs_det;
  T state;
};

template <class T>
ELBOW_HD Summary<T> summary(const PivotProduct<T>& product) {
  using Real = std::conditional_t<std::is_same_v<T, Complex>, double, T>;
  const Real limit = ill_conditioned_ratio<Real> * math::from_bits(product.largest);
  const bool not_finite = product.largest >= Layout<T>::infinity;
  const bool singular = product.smallest < smallest_normal_bits<T>;
  const bool ill_conditioned = math::from_bits(product.smallest) <= limit;
  const T sign = math::sign(product.mantissa);
  const T log = log_abs(product.mantissa, product.exponent);
  const T nan = T(math::not_a_number);
  return {not_finite ? nan : (singular ? T(0) : sign),
          not_finite ? nan : (singular ? T(-math::infinity) : log),
          not_finite ? T(3) : (singular ? T(2) : (ill_conditioned ? T(1) : T(0)))};
}

ELBOW_HD MatrixState state_of(double state) { return static_cast<MatrixState>(static_cast<int>(state)); }
inline MatrixState state_of(Complex state) { return state_of(state.real()); }
ELBOW_HD bool has_inverse(MatrixState state) {
  return state == MatrixState::regular || state == MatrixState::ill_conditioned;
}
/// What fills the inverse transpose of a matrix that has none.
template <class T>
ELBOW_HD T no_inverse(MatrixState state) {
  return state == MatrixState::singular ? T(math::infinity) : T(math::not_a_number);
}

/// Whether a float matrix has to be done again in double.
ELBOW_HD bool again_in_double(float state) {
  return state != static_cast<float>(static_cast<int>(MatrixState::regular));
}
/// What double found of a matrix that float could not be trusted with.
ELBOW_HD Summary<float> refined(const Summary<double>& found) {
  constexpr double suspected = static_cast<int>(MatrixState::ill_conditioned);
  return {static_cast<float>(found.sign), static_cast<float>(found.log_abs_det),
          static_cast<float>(found.state < suspected ? suspected : found.state)};
}

}  // namespace elbow::kernels
