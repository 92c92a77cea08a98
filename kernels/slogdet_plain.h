#pragma once
// The contract of kernels/slogdet.h as plain loops: for Complex, and for processors without a fused multiply-add
// instruction.
#include <algorithm>
#include <numeric>
#include <vector>

#include "kernels/slogdet_cofactors.h"

namespace elbow::kernels {

/// L below the diagonal and U on and above it, in the place of A; `row[i]` is the row of A that row i was.
template <class T>
PivotProduct<T> factor_plain(Index n, T* a, Index* row, T* reciprocal) {
  PivotProduct<T> product;
  std::iota(row, row + n, Index{0});
  for (Index k = 0; k < n; ++k) {
    Index p = k;
    for (Index i = k + 1; i < n; ++i) {
      if (magnitude_bits(a[i * n + k]) > magnitude_bits(a[p * n + k])) p = i;
    }
    if (p != k) {
      std::swap_ranges(a + k * n, a + (k + 1) * n, a + p * n);
      std::swap(row[k], row[p]);
    }
    const T pivot = a[k * n + k];
    multiply(product, k, pivot, p != k);
    reciprocal[k] = pivot == T(0) ? T(0) : T(1) / pivot;
    for (Index i = k + 1; i < n; ++i) {
      const T factor = a[i * n + k] *= reciprocal[k];
      for (Index j = k + 1; j < n; ++j) a[i * n + j] = math::fma(-factor, a[k * n + j], a[i * n + j]);
    }
  }
  return product;
}

/// Y = L^-T U^-T of the factors.
template <class T>
void invert_plain(Index n, const T* a, const T* reciprocal, T* y) {
  std::fill_n(y, n * n, T(0));
  for (Index i = 0; i < n; ++i) {
    for (Index j = 0; j < i; ++j) {
      T s(0);
      for (Index k = j; k < i; ++k) s = math::fma(-a[k * n + i], y[k * n + j], s);
      y[i * n + j] = s * reciprocal[i];
    }
    y[i * n + i] = reciprocal[i];
  }
  for (Index i = n - 1; i >= 0; --i) {
    for (Index j = 0; j < n; ++j) {
      T s = y[i * n + j];
      for (Index k = i + 1; k < n; ++k) s = math::fma(-a[k * n + i], y[k * n + j], s);
      y[i * n + j] = s;
    }
  }
}

template <int n>
void slogdet_plain_by_cofactors(const Slogdet<float>& a) {
  for (Index b = 0; b < a.batch; ++b) {
    const Index at = b * n * n;
    slogdet_by_cofactors<n>(a, b, a.matrix + at,
                            a.inverse_transpose == nullptr ? nullptr : a.inverse_transpose + at);
  }
}

template <class T>
void slogdet_plain(const Slogdet<T>& arguments) {
  const Index n = arguments.n;
  if constexpr (std::is_same_v<T, float>) {
    if (n == 1) return slogdet_plain_by_cofactors<1>(arguments);
    if (n == 2) return slogdet_plain_by_cofactors<2>(arguments);
    if (n == 3) return slogdet_plain_by_cofactors<3>(arguments);
  }
  const auto size = static_cast<std::size_t>(n * n);
  std::vector<T> a(size), y(size), reciprocal(n);
  std::vector<Index> row(n);
  for (Index b = 0; b < arguments.batch; ++b) {
    std::copy_n(arguments.matrix + b * n * n, n * n, a.begin());
    const PivotProduct<T> product = factor_plain(n, a.data(), row.data(), reciprocal.data());
    const Summary<T> result = summary(product);
    arguments.sign[b] = result.sign;
    arguments.log_abs_det[b] = result.log_abs_det;
    arguments.state[b] = result.state;
    if (arguments.inverse_transpose == nullptr) continue;
    T* const inverse = arguments.inverse_transpose + b * n * n;
    if (const MatrixState state = state_of(result.state); has_inverse(state)) {
      invert_plain(n, a.data(), reciprocal.data(), y.data());
      for (Index i = 0; i < n; ++i) std::copy_n(&y[i * n], n, inverse + row[i] * n);
    } else {
      std::fill_n(inverse, n * n, no_inverse<T>(state));
    }
  }
}

}  // namespace elbow::kernels
