// cuBLAS's batched factors and inverses, as strict as its documentation allows: of what it leaves open, a matrix that
// is not finite and the inverse of one whose U has a zero, nothing may be asked, and behind a zero pivot there is NaN
// and no row.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "tests/executor/cublas.h"
#include "tests/executor/executor.h"
#include "tests/executor/runtime.h"

namespace {

using namespace elbow::executor;

[[noreturn]] void refuse(const char* call, int matrix, const std::string& what) {
  throw ExecutionError("[" + std::string(call) + "] matrix " + std::to_string(matrix) + ": " + what);
}

/// An array of pointers, which itself is on the device, to matrices there, columns `leading` elements apart.
template <class Pointer>
void require_matrices(const char* call, Pointer const* matrices, int n, int leading, int batches) {
  require_device_memory(call, matrices, static_cast<std::size_t>(batches) * sizeof(Pointer));
  if (n == 0) return;
  const std::size_t elements = static_cast<std::size_t>(n - 1) * leading + n;
  for (int b = 0; b < batches; ++b) require_device_memory(call, matrices[b], elements * sizeof(double));
}

/// What a call is given, from its first byte to behind its last.
struct Extent {
  std::uintptr_t begin, end;
};

template <class T>
Extent extent(const T* first, std::int64_t count) {
  const auto begin = reinterpret_cast<std::uintptr_t>(first);
  return {begin, begin + static_cast<std::uintptr_t>(count) * sizeof(T)};
}

template <class Pointer>
void add_matrices(std::vector<Extent>& extents, Pointer const* matrices, int n, int leading, int batches) {
  extents.push_back(extent(matrices, batches));
  for (int b = 0; b < batches; ++b) {
    extents.push_back(extent(matrices[b], static_cast<std::int64_t>(n) * leading));
  }
}

void require_apart(const char* call, std::vector<Extent> extents) {
  std::sort(extents.begin(), extents.end(),
            [](const Extent& a, const Extent& b) { return a.begin < b.begin; });
  for (std::size_t i = 1; i < extents.size(); ++i) {
    if (extents[i].begin < extents[i - 1].end) {
      throw ExecutionError("[" + std::string(call) + "] two of its arrays and matrices overlap");
    }
  }
}

void require_integers(const char* call, const int* pivots, const int* reports, int n, int batches) {
  require_device_memory(call, pivots, static_cast<std::size_t>(n) * batches * sizeof(int));
  require_device_memory(call, reports, static_cast<std::size_t>(batches) * sizeof(int));
}

/// Element (i, j) of a matrix that is stored by columns.
template <class T>
struct Columns {
  T* data;
  std::int64_t leading;
  T& operator()(std::int64_t i, std::int64_t j) const { return data[j * leading + i]; }
};

/// Column by column, each of L and U as a sum of products: not the order of kernels/slogdet.h. The number of the first
/// zero pivot, from 1, or 0.
int factor(const Columns<double>& a, int n, int* pivots) {
  int zero = 0;
  for (int j = 0; j < n; ++j) {
    for (int i = 0; i < n; ++i) {
      double sum = a(i, j);
      for (int k = 0; k < std::min(i, j); ++k) sum -= a(i, k) * a(k, j);
      a(i, j) = sum;
    }
    int pivot = j;
    for (int i = j + 1; i < n; ++i) {
      if (std::abs(a(i, j)) > std::abs(a(pivot, j))) pivot = i;
    }
    pivots[j] = zero == 0 ? pivot + 1 : 0;
    for (int k = 0; k < n && pivot != j; ++k) std::swap(a(j, k), a(pivot, k));
    if (a(j, j) == 0 && zero == 0) zero = j + 1;
    for (int i = j + 1; i < n; ++i) {
      a(i, j) = zero == 0 ? a(i, j) / a(j, j) : std::numeric_limits<double>::quiet_NaN();
    }
  }
  return zero;
}

/// Column by column of the solution of L U X = P.
void invert(const Columns<const double>& a, int n, const int* pivots, const Columns<double>& x) {
  std::vector<int> row(static_cast<std::size_t>(n));
  for (int i = 0; i < n; ++i) row[i] = i;
  for (int i = 0; i < n; ++i) std::swap(row[i], row[pivots[i] - 1]);
  for (int j = 0; j < n; ++j) {
    for (int i = 0; i < n; ++i) {
      double sum = row[i] == j ? 1 : 0;
      for (int k = 0; k < i; ++k) sum -= a(i, k) * x(k, j);
      x(i, j) = sum;
    }
    for (int i = n - 1; i >= 0; --i) {
      double sum = x(i, j);
      for (int k = i + 1; k < n; ++k) sum -= a(i, k) * x(k, j);
      x(i, j) = sum / a(i, i);
    }
  }
}

void require_finite(const char* call, int matrix, const Columns<double>& a, int n) {
  for (int j = 0; j < n; ++j) {
    for (int i = 0; i < n; ++i) {
      if (!std::isfinite(a(i, j))) refuse(call, matrix, "an element is not finite");
    }
  }
}

void require_invertible(const char* call, int matrix, const Columns<const double>& a, int n,
                        const int* pivots) {
  for (int i = 0; i < n; ++i) {
    if (!std::isfinite(a(i, i)) || a(i, i) == 0) refuse(call, matrix, "U has no inverse");
    if (pivots[i] < i + 1 || pivots[i] > n)
      refuse(call, matrix, "a pivot is none of the rows that were left");
  }
}

}  // namespace

cublasStatus_t cublasDgetrfBatched(cublasHandle_t handle, int n, double* const matrices[], int leading,
                                   int* pivots, int* reports, int batches) {
  constexpr const char* call = "cublasDgetrfBatched";
  require_usable(call, handle);
  if (should_fail(call)) return CUBLAS_STATUS_EXECUTION_FAILED;
  if (n < 0 || batches < 0 || leading < std::max(1, n)) return CUBLAS_STATUS_INVALID_VALUE;
  require_matrices(call, matrices, n, leading, batches);
  require_integers(call, pivots, reports, n, batches);
  std::vector<Extent> extents{extent(pivots, static_cast<std::int64_t>(n) * batches),
                              extent(reports, batches)};
  add_matrices(extents, matrices, n, leading, batches);
  require_apart(call, std::move(extents));
  for (int b = 0; b < batches; ++b) {
    const Columns<double> a{matrices[b], leading};
    require_finite(call, b, a, n);
    reports[b] = factor(a, n, pivots + static_cast<std::ptrdiff_t>(b) * n);
  }
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasDgetriBatched(cublasHandle_t handle, int n, const double* const matrices[], int leading,
                                   const int* pivots, double* const inverses[], int inverse_leading,
                                   int* reports, int batches) {
  constexpr const char* call = "cublasDgetriBatched";
  require_usable(call, handle);
  if (should_fail(call)) return CUBLAS_STATUS_EXECUTION_FAILED;
  if (n < 0 || batches < 0 || leading < std::max(1, n) || inverse_leading < std::max(1, n)) {
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  require_matrices(call, matrices, n, leading, batches);
  require_matrices(call, inverses, n, inverse_leading, batches);
  require_integers(call, pivots, reports, n, batches);
  std::vector<Extent> extents{extent(pivots, static_cast<std::int64_t>(n) * batches),
                              extent(reports, batches)};
  add_matrices(extents, matrices, n, leading, batches);
  add_matrices(extents, inverses, n, inverse_leading, batches);
  require_apart(call, std::move(extents));
  for (int b = 0; b < batches; ++b) {
    const Columns<const double> a{matrices[b], leading};
    require_invertible(call, b, a, n, pivots + static_cast<std::ptrdiff_t>(b) * n);
    invert(a, n, pivots + static_cast<std::ptrdiff_t>(b) * n, {inverses[b], inverse_leading});
    reports[b] = 0;
  }
  return CUBLAS_STATUS_SUCCESS;
}
