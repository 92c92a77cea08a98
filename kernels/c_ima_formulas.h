#pragma once
// What the twins of kernels/c_ima.h share: one sample.
#include "kernels/c_ima.h"
#include "kernels/slogdet_cofactors.h"

namespace elbow::kernels {

/// Row k is column k of J, or of its gradient.
template <int n, class T>
struct CImaOf {
  T c_ima;
  T doubt;  ///< 0, or 1 where the terms of det N cancel beyond what T can be trusted with
  SmallMatrix<n, T> gradient;
};

/// A column divided by its length.
template <int n, class T>
struct UnitColumn {
  T element[n];
  T reciprocal_norm;
};
template <int n, class T>
ELBOW_HD UnitColumn<n, T> unit_column(const T (&column)[n]) {
  const PowerOfTwo<T> scale = scale_of<T>(largest_of(column));
  UnitColumn<n, T> unit;
  T square = T(0);
  for (int c = 0; c < n; ++c) {
    unit.element[c] = column[c] * scale.factor;
    square = math::fma(unit.element[c], unit.element[c], square);
  }
  const T reciprocal = T(1) / math::sqrt(square);
  for (int c = 0; c < n; ++c) unit.element[c] *= reciprocal;
  unit.reciprocal_norm = reciprocal * scale.factor;
  return unit;
}

template <int n, class T>
ELBOW_HD CImaOf<n, T> c_ima_of(const SmallMatrix<n, T>& columns) {
  SmallMatrix<n, T> unit;
  T reciprocal_norm[n];
  for (int k = 0; k < n; ++k) {
    const UnitColumn<n, T> column = unit_column(columns.element[k]);
    for (int c = 0; c < n; ++c) unit.element[k][c] = column.element[c];
    reciprocal_norm[k] = column.reciprocal_norm;
  }
  const SmallMatrix<n, T> cofactor = cofactors(unit);
  const Determinant<T> det = determinant(unit, cofactor);
  const T reciprocal = T(1) / det.value;
  CImaOf<n, T> result;
  const T size = magnitude(det.value);
  result.doubt = size > ill_conditioned_ratio<T> * det.terms ? T(0) : T(1);
  result.c_ima = T(0) - math::log(size);  // never -0
  for (int i = 0; i < n * n; ++i) {
    const int k = i / n, c = i % n;
    result.gradient.element[k][c] =
        (unit.element[k][c] - cofactor.element[k][c] * reciprocal) * reciprocal_norm[k];
  }
  return result;
}

template <int n, class T>
ELBOW_HD SmallMatrix<n, T> columns_of(const CIma<T>& a, Index b) {
  SmallMatrix<n, T> columns;
  for (int i = 0; i < n * n; ++i)
    columns.element[i / n][i % n] = a.tangents[(i / n * a.batch + b) * n + i % n];
  return columns;
}

template <int n, class T>
ELBOW_HD void store_c_ima(const CIma<T>& a, Index b, const CImaOf<n, T>& result) {
  a.c_ima[b] = result.c_ima;
  if (a.gradient == nullptr) return;
  for (int e = 0; e < n * n; ++e)
    a.gradient[(e / n * a.batch + b) * n + e % n] = result.gradient.element[e / n][e % n];
}

template <int n>
ELBOW_HD CImaOf<n, float> c_ima_in_double(const SmallMatrix<n, float>& columns) {
  SmallMatrix<n, double> wide;
  for (int k = 0; k < n; ++k) {
    for (int c = 0; c < n; ++c) wide.element[k][c] = columns.element[k][c];
  }
  const CImaOf<n, double> found = c_ima_of(wide);
  CImaOf<n, float> result;
  result.c_ima = static_cast<float>(found.c_ima);
  for (int k = 0; k < n; ++k) {
    for (int c = 0; c < n; ++c)
      result.gradient.element[k][c] = static_cast<float>(found.gradient.element[k][c]);
  }
  return result;
}

}  // namespace elbow::kernels
