#pragma once
// Determinant and inverse transpose of float matrices up to 3 x 3 by cofactors, as kernels/slogdet.h has it.
#include "kernels/slogdet_formulas.h"

namespace elbow::kernels {

inline constexpr Index largest_by_cofactors = 3;

template <class T>
ELBOW_HD T magnitude(T x) {
  return math::from_bits(magnitude_bits(x));
}

/// a b - c d, good to 1.5 units in the last place (Kahan; Jeannerod, Louvet & Muller, Mathematics of Computation 82,
/// 2013).
template <class T>
ELBOW_HD T difference_of_products(T a, T b, T c, T d) {
  const T rounded = c * d;
  const T lost = math::fma(-c, d, rounded);
  return math::fma(a, b, -rounded) + lost;
}

template <int n, class T>
struct SmallMatrix {
  T element[n][n];
};

template <class T>
ELBOW_HD SmallMatrix<1, T> cofactors(const SmallMatrix<1, T>&) {
  return {{{T(1)}}};
}
template <class T>
ELBOW_HD SmallMatrix<2, T> cofactors(const SmallMatrix<2, T>& a) {
  return {{{a.element[1][1], -a.element[1][0]}, {-a.element[0][1], a.element[0][0]}}};
}
template <class T>
ELBOW_HD SmallMatrix<3, T> cofactors(const SmallMatrix<3, T>& a) {
  const auto& m = a.element;
  return {{{difference_of_products(m[1][1], m[2][2], m[1][2], m[2][1]),
            difference_of_products(m[1][2], m[2][0], m[1][0], m[2][2]),
            difference_of_products(m[1][0], m[2][1], m[1][1], m[2][0])},
           {difference_of_products(m[2][1], m[0][2], m[2][2], m[0][1]),
            difference_of_products(m[2][2], m[0][0], m[2][0], m[0][2]),
            difference_of_products(m[2][0], m[0][1], m[2][1], m[0][0])},
           {difference_of_products(m[0][1], m[1][2], m[0][2], m[1][1]),
            difference_of_products(m[0][2], m[1][0], m[0][0], m[1][2]),
            difference_of_products(m[0][0], m[1][1], m[0][1], m[1][0])}}};
}

/// A determinant, and the sum of the magnitudes of its terms: digits are lost where that is much larger.
template <class T>
struct Determinant {
  T value;
  T terms;
};

template <int n, class T>
ELBOW_HD Determinant<T> determinant(const SmallMatrix<n, T>& a, const SmallMatrix<n, T>& cofactor) {
  const T first = a.element[0][0] * cofactor.element[0][0];
  Determinant<T> d{first, magnitude(first)};
  for (int j = 1; j < n; ++j) {
    d.value = math::fma(a.element[0][j], cofactor.element[0][j], d.value);
    d.terms = math::fma(magnitude(a.element[0][j]), magnitude(cofactor.element[0][j]), d.terms);
  }
  return d;
}
template <class T>
ELBOW_HD Determinant<T> determinant(const SmallMatrix<2, T>& a, const SmallMatrix<2, T>&) {
  const auto& m = a.element;
  return {difference_of_products(m[0][0], m[1][1], m[0][1], m[1][0]),
          math::fma(magnitude(m[0][0]), magnitude(m[1][1]), magnitude(m[0][1] * m[1][0]))};
}

/// magnitude_bits of the largest.
template <int n, class T>
ELBOW_HD BitsOf<T> largest_of(const T (&values)[n]) {
  BitsOf<T> largest = 0;
  for (int i = 0; i < n; ++i) {
    const BitsOf<T> bits = magnitude_bits(values[i]);
    largest = bits > largest ? bits : largest;
  }
  return largest;
}

/// 2^exponent, which brings a number with these magnitude_bits into [1, 4): products of such numbers neither overflow
/// nor lose what matters.
template <class T>
struct PowerOfTwo {
  T factor;
  BitsOf<T> exponent;
};
template <class T>
ELBOW_HD PowerOfTwo<T> scale_of(BitsOf<T> largest) {
  constexpr BitsOf<T> bias = Layout<T>::bias;
  const BitsOf<T> field = largest >> Layout<T>::mantissa_bits;
  const BitsOf<T> bounded = field < 1 ? 1 : (field > 2 * bias - 1 ? 2 * bias - 1 : field);
  return {math::from_bits((2 * bias - bounded) << Layout<T>::mantissa_bits), bias - bounded};
}

/// What float finds. A state that is not regular means: double has to look at this matrix.
template <int n>
struct ByCofactors {
  Summary<float> summary;
  SmallMatrix<n, float> inverse_transpose;
};

template <int n>
ELBOW_HD ByCofactors<n> by_cofactors(const SmallMatrix<n, float>& a) {
  BitsOf<float> largest = 0;
  for (int i = 0; i < n; ++i) {
    const BitsOf<float> of_row = largest_of(a.element[i]);
    largest = of_row > largest ? of_row : largest;
  }
  const PowerOfTwo<float> scale = scale_of<float>(largest);
  SmallMatrix<n, float> scaled;
  for (int i = 0; i < n; ++i) {
    for (int j = 0; j < n; ++j) scaled.element[i][j] = a.element[i][j] * scale.factor;
  }
  const SmallMatrix<n, float> cofactor = cofactors(scaled);
  const Determinant<float> det = determinant(scaled, cofactor);
  const float size = magnitude(det.value);
  // Products below the normal numbers are wrong by 2^-149 at most: nothing beside 2^-100.
  // One comparison, so that a loop over matrices can be made of vectors.
  float least = ill_conditioned_ratio<float> * det.terms;
  least = least > 0x1p-100f ? least : 0x1p-100f;
  ByCofactors<n> result;
  result.summary.sign = det.value > 0 ? 1.0f : -1.0f;
  result.summary.log_abs_det = log_abs(det.value, -n * scale.exponent);
  result.summary.state = size > least ? 0.0f : 1.0f;
  const float reciprocal = 1.0f / det.value;
  for (int i = 0; i < n; ++i) {
    for (int j = 0; j < n; ++j) {
      result.inverse_transpose.element[i][j] = cofactor.element[i][j] * reciprocal * scale.factor;
    }
  }
  return result;
}

/// What double finds of the same matrix, rounded once; no product of floats leaves its range.
template <int n>
ELBOW_HD ByCofactors<n> by_cofactors_in_double(const SmallMatrix<n, float>& a) {
  SmallMatrix<n, double> wide;
  for (int i = 0; i < n; ++i) {
    for (int j = 0; j < n; ++j) wide.element[i][j] = a.element[i][j];
  }
  const SmallMatrix<n, double> cofactor = cofactors(wide);
  const Determinant<double> det = determinant(wide, cofactor);
  const double size = magnitude(det.value);
  MatrixState state = MatrixState::regular;
  if (size <= ill_conditioned_ratio<float> * det.terms) state = MatrixState::ill_conditioned;
  if (size == 0) state = MatrixState::singular;
  if (!(det.terms < math::infinity)) state = MatrixState::not_finite;
  ByCofactors<n> result;
  if (has_inverse(state)) {
    result.summary = {static_cast<float>(math::sign(det.value)), static_cast<float>(math::log(size)), 0};
  } else {
    result.summary = state == MatrixState::singular
                         ? Summary<float>{0, -math::infinity, 0}
                         : Summary<float>{math::not_a_number, math::not_a_number, 0};
  }
  result.summary.state = static_cast<float>(static_cast<int>(state));
  for (int i = 0; i < n; ++i) {
    for (int j = 0; j < n; ++j) {
      result.inverse_transpose.element[i][j] = has_inverse(state)
                                                   ? static_cast<float>(cofactor.element[i][j] / det.value)
                                                   : no_inverse<float>(state);
    }
  }
  return result;
}

/// Matrix b of a batch, which lies at `from`; its inverse transpose goes to `to`, unless that is null.
template <int n>
ELBOW_HD void slogdet_by_cofactors(const Slogdet<float>& a, Index b, const float* from, float* to) {
  SmallMatrix<n, float> matrix;
  for (int i = 0; i < n; ++i) {
    for (int j = 0; j < n; ++j) matrix.element[i][j] = from[i * n + j];
  }
  ByCofactors<n> result = by_cofactors(matrix);
  if (again_in_double(result.summary.state)) result = by_cofactors_in_double(matrix);
  a.sign[b] = result.summary.sign;
  a.log_abs_det[b] = result.summary.log_abs_det;
  a.state[b] = result.summary.state;
  if (to == nullptr) return;
  for (int i = 0; i < n; ++i) {
    for (int j = 0; j < n; ++j) to[i * n + j] = result.inverse_transpose.element[i][j];
  }
}

}  // namespace elbow::kernels
