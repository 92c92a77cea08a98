#include "kernels/slogdet.cuh"
#include "kernels/slogdet_cofactors.h"

// A thread per matrix, which is all in registers.
namespace elbow::kernels::cuda {

// Elimination: rows are exchanged by selecting, so that every element stays in a register.

template <int n, class T>
struct Factors {
  T a[n][n];
  T reciprocal[n];
  int row[n];
};

template <int n, class T>
__device__ __forceinline__ void exchange_rows(Factors<n, T>& f, int k, int pivot) {
#pragma unroll
  for (int i = k + 1; i < n; ++i) {
    const bool here = pivot == i;
#pragma unroll
    for (int j = 0; j < n; ++j) {
      const T upper = f.a[k][j], lower = f.a[i][j];
      f.a[k][j] = here ? lower : upper;
      f.a[i][j] = here ? upper : lower;
    }
    const int upper = f.row[k], lower = f.row[i];
    f.row[k] = here ? lower : upper;
    f.row[i] = here ? upper : lower;
  }
}

template <int n, class T>
__device__ __forceinline__ PivotProduct<T> factor(Factors<n, T>& f) {
  PivotProduct<T> product;
#pragma unroll
  for (int i = 0; i < n; ++i) f.row[i] = i;
#pragma unroll
  for (int k = 0; k < n; ++k) {
    int pivot = k;
    BitsOf<T> largest = magnitude_bits(f.a[k][k]);
#pragma unroll
    for (int i = k + 1; i < n; ++i) {
      const BitsOf<T> magnitude = magnitude_bits(f.a[i][k]);
      pivot = magnitude > largest ? i : pivot;
      largest = magnitude > largest ? magnitude : largest;
    }
    exchange_rows(f, k, pivot);
    multiply(product, k, f.a[k][k], pivot != k);
    f.reciprocal[k] = reciprocal_of(f.a[k][k]);
#pragma unroll
    for (int i = k + 1; i < n; ++i) {
      f.a[i][k] *= f.reciprocal[k];
#pragma unroll
      for (int j = k + 1; j < n; ++j) f.a[i][j] = math::fma(-f.a[i][k], f.a[k][j], f.a[i][j]);
    }
  }
  return product;
}

/// One column of Y = L^-T U^-T at a time, stored at to + row n.
template <int n, class T>
__device__ __forceinline__ void store_inverse(const Factors<n, T>& f, T* to) {
#pragma unroll
  for (int j = 0; j < n; ++j) {
    T y[n];
#pragma unroll
    for (int i = 0; i < n; ++i) {
      T s(0);
#pragma unroll
      for (int k = j; k < i; ++k) s = math::fma(-f.a[k][i], y[k], s);
      y[i] = i < j ? T(0) : (i == j ? f.reciprocal[i] : s * f.reciprocal[i]);
    }
#pragma unroll
    for (int i = n - 1; i >= 0; --i) {
#pragma unroll
      for (int k = i + 1; k < n; ++k) y[i] = math::fma(-f.a[k][i], y[k], y[i]);
      to[f.row[i] * n + j] = y[i];
    }
  }
}

/// Matrix b, which lies at `own`, where its inverse transpose takes its place.
template <int n, class T>
__device__ __forceinline__ void slogdet_by_elimination(const Slogdet<T>& a, Index b, T* own) {
  Factors<n, T> f;
#pragma unroll
  for (int i = 0; i < n * n; ++i) f.a[i / n][i % n] = own[i];
  const MatrixState state = store_summary(a, b, factor(f));
  if (a.inverse_transpose == nullptr) return;
  if (has_inverse(state)) {
    store_inverse(f, own);
  } else {
    for (int i = 0; i < n * n; ++i) own[i] = no_inverse<T>(state);
  }
}

constexpr int threads_per_block = 128;

template <int n, class T>
__global__ void __launch_bounds__(threads_per_block) slogdet_thread(Slogdet<T> a) {
  constexpr int size = n * n;
  constexpr int stride = size | 1;  // odd, so that neighbouring threads meet different banks
  ELBOW_SHARED(T, tile, threads_per_block * stride);
  const Index first = block_index() * threads_per_block;
  const int count =
      static_cast<int>(a.batch - first < threads_per_block ? a.batch - first : threads_per_block);
  for (int i = thread_index(); i < count * size; i += threads_per_block) {
    tile[i / size * stride + i % size] = a.matrix[first * size + i];
  }
  __syncthreads();
  if (thread_index() < count) {
    T* const own = &tile[thread_index() * stride];
    if constexpr (std::is_same_v<T, float> && n <= largest_by_cofactors) {
      slogdet_by_cofactors<n>(a, first + thread_index(), own, own);
    } else {
      slogdet_by_elimination<n>(a, first + thread_index(), own);
    }
  }
  if (a.inverse_transpose == nullptr) return;
  __syncthreads();
  for (int i = thread_index(); i < count * size; i += threads_per_block) {
    a.inverse_transpose[first * size + i] = tile[i / size * stride + i % size];
  }
}

template <int n, class T>
void launch_slogdet_of_size(const Slogdet<T>& a) {
  if (a.n == n) {
    launch("slogdet_thread", slogdet_thread<n, T>,
           per_block(blocks_for(a.batch, threads_per_block), threads_per_block), a);
  } else if constexpr (n > 1) {
    launch_slogdet_of_size<n - 1>(a);
  }
}

template <class T>
void launch_slogdet_by_thread(const Slogdet<T>& a) {
  launch_slogdet_of_size<slogdet_by_thread_up_to>(a);
}

template void launch_slogdet_by_thread(const Slogdet<float>&);
template void launch_slogdet_by_thread(const Slogdet<double>&);

}  // namespace elbow::kernels::cuda
