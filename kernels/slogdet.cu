#include "kernels/slogdet.h"

#include "kernels/launch.cuh"
#include "kernels/slogdet_formulas.h"

// Three kernels, by size: a thread, a few lanes of a warp, or a whole warp factors a matrix. All read and write memory
// in order, by way of shared memory, and do the contract's arithmetic step by step. A fourth looks for float matrices
// that have to be done again in double; few are.
namespace elbow::kernels::cuda {

template <class T>
__device__ __forceinline__ MatrixState store_summary(const Slogdet<T>& a, Index b,
                                                     const PivotProduct<T>& product) {
  const Summary<T> result = summary(product);
  a.sign[b] = result.sign;
  a.log_abs_det[b] = result.log_abs_det;
  a.state[b] = result.state;
  return state_of(result.state);
}

template <class T>
__device__ __forceinline__ T reciprocal_of(T pivot) {
  return pivot == T(0) ? T(0) : T(1) / pivot;
}

// --- A thread per matrix. Its rows are exchanged by selecting, so that every element stays in a register.

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
    Factors<n, T> f;
#pragma unroll
    for (int i = 0; i < size; ++i) f.a[i / n][i % n] = own[i];
    const MatrixState state = store_summary(a, first + thread_index(), factor(f));
    if (a.inverse_transpose != nullptr) {
      if (has_inverse(state)) {
        store_inverse(f, own);
      } else {
        for (int i = 0; i < size; ++i) own[i] = no_inverse<T>(state);
      }
    }
  }
  if (a.inverse_transpose == nullptr) return;
  __syncthreads();
  for (int i = thread_index(); i < count * size; i += threads_per_block) {
    a.inverse_transpose[first * size + i] = tile[i / size * stride + i % size];
  }
}

// --- A lane per row. Rows stay where they are; a lane knows the place of its row in the factors.

/// What a lane offers as pivot; the better offer is larger, or as large and in an earlier place.
template <class T>
struct Offer {
  BitsOf<T> magnitude;
  int place;
  int lane;

  __device__ __forceinline__ void improve(const Offer& other) {
    const bool better = other.magnitude > magnitude || (other.magnitude == magnitude && other.place < place);
    magnitude = better ? other.magnitude : magnitude;
    place = better ? other.place : place;
    lane = better ? other.lane : lane;
  }
};

constexpr unsigned all_lanes = 0xffffffffu;

/// The best offer of each group of `width` lanes, known to all of them.
template <int width, class T>
__device__ __forceinline__ Offer<T> best_offer(Offer<T> offer) {
#pragma unroll
  for (int distance = width / 2; distance > 0; distance /= 2) {
    offer.improve({__shfl_xor_sync(all_lanes, offer.magnitude, distance, width),
                   __shfl_xor_sync(all_lanes, offer.place, distance, width),
                   __shfl_xor_sync(all_lanes, offer.lane, distance, width)});
  }
  return offer;
}

/// n up to `width`. A lane beyond n has a row of zeros, which is never a pivot.
template <int width, class T>
__global__ void __launch_bounds__(threads_per_block) slogdet_lanes(Slogdet<T> a) {
  constexpr int matrices = threads_per_block / width;
  constexpr int stride = width + 1;
  ELBOW_SHARED(T, tile, matrices * width * stride);
  const int n = static_cast<int>(a.n);
  const int size = n * n;
  const Index first = block_index() * matrices;
  const int count = static_cast<int>(a.batch - first < matrices ? a.batch - first : matrices);
  for (int i = thread_index(); i < count * size; i += threads_per_block) {
    tile[(i / size * width + i % size / n) * stride + i % n] = a.matrix[first * size + i];
  }
  __syncthreads();

  const int own = thread_index() / width;
  const int lane = thread_index() % width;
  const bool used = own < count && lane < n;
  T row[width], reciprocal[width];
  int owner[width];
#pragma unroll
  for (int j = 0; j < width; ++j) row[j] = used && j < n ? tile[thread_index() * stride + j] : T(0);

  PivotProduct<T> product;
  int place = lane;
#pragma unroll
  for (int k = 0; k < width; ++k) {
    if (k >= n) break;
    const bool offers = place >= k && lane < n;
    const Offer<T> pivot =
        best_offer<width, T>({offers ? magnitude_bits(row[k]) : BitsOf<T>(-1), place, lane});
    owner[k] = pivot.lane;
    place = lane == pivot.lane ? k : (place == k ? pivot.place : place);
    const T top = __shfl_sync(all_lanes, row[k], pivot.lane, width);
    multiply(product, k, top, pivot.place != k);
    reciprocal[k] = reciprocal_of(top);
    const bool below = place > k;
    row[k] = below ? row[k] * reciprocal[k] : row[k];
#pragma unroll
    for (int j = k + 1; j < width; ++j) {
      const T upper = __shfl_sync(all_lanes, row[j], pivot.lane, width);
      row[j] = below ? math::fma(-row[k], upper, row[j]) : row[j];
    }
  }
  MatrixState state = MatrixState::regular;
  if (used) state = lane == 0 ? store_summary(a, first + own, product) : state_of(summary(product).state);
  if (a.inverse_transpose == nullptr) return;

  // Each lane has a column of Y = L^-T U^-T.
  T y[width];
#pragma unroll
  for (int i = 0; i < width; ++i) {
    if (i >= n) break;
    T s(0);
#pragma unroll
    for (int k = 0; k < i; ++k) s = math::fma(-__shfl_sync(all_lanes, row[i], owner[k], width), y[k], s);
    y[i] = i < lane ? T(0) : (i == lane ? reciprocal[i] : s * reciprocal[i]);
  }
  T* const inverse = a.inverse_transpose + (first + own) * size + lane;
#pragma unroll
  for (int i = width - 1; i >= 0; --i) {
    if (i >= n) continue;
#pragma unroll
    for (int k = i + 1; k < width; ++k) {
      if (k >= n) break;
      y[i] = math::fma(-__shfl_sync(all_lanes, row[i], owner[k], width), y[k], y[i]);
    }
    if (used) inverse[owner[i] * n] = has_inverse(state) ? y[i] : no_inverse<T>(state);
  }
}

// --- A warp per matrix, which lies in shared memory.

constexpr int warp = 32;
constexpr int most = static_cast<int>(slogdet_most_on_cuda);

template <class Real>
struct SharedMatrix {
  Real a[most * (most + 1)];
  Real y[most * warp];  ///< of the inverse's rows, as many columns as there are lanes
  Real reciprocal[most];
  int row[most];
};

template <class Real>
__device__ __forceinline__ PivotProduct<Real> factor(SharedMatrix<Real>& shared, int n, int stride) {
  const int lane = thread_index();
  Real* const a = shared.a;
  PivotProduct<Real> product;
  for (int k = 0; k < n; ++k) {
    Offer<Real> offer{-1, n, lane};
    for (int i = k + lane; i < n; i += warp) offer.improve({magnitude_bits(a[i * stride + k]), i, lane});
    const int pivot = best_offer<warp>(offer).place;
    __syncwarp();
    if (pivot != k) {
      for (int j = lane; j < n; j += warp) {
        const Real upper = a[k * stride + j];
        a[k * stride + j] = a[pivot * stride + j];
        a[pivot * stride + j] = upper;
      }
      if (lane == 0) {
        const int upper = shared.row[k];
        shared.row[k] = shared.row[pivot];
        shared.row[pivot] = upper;
      }
    }
    __syncwarp();
    const Real top = a[k * stride + k];
    multiply(product, k, top, pivot != k);
    const Real reciprocal = reciprocal_of(top);
    if (lane == 0) shared.reciprocal[k] = reciprocal;
    for (int i = k + 1 + lane; i < n; i += warp) a[i * stride + k] *= reciprocal;
    __syncwarp();
    for (int i = k + 1; i < n; ++i) {
      const Real factor = a[i * stride + k];
      for (int j = k + 1 + lane; j < n; j += warp) {
        a[i * stride + j] = math::fma(-factor, a[k * stride + j], a[i * stride + j]);
      }
    }
    __syncwarp();
  }
  return product;
}

/// A lane per column of Y = L^-T U^-T.
template <class Real, class T>
__device__ __forceinline__ void store_inverse(SharedMatrix<Real>& shared, int n, int stride, T* to) {
  const int lane = thread_index();
  const Real* const a = shared.a;
  Real* const y = shared.y + lane;
  for (int j = lane; j < n; j += warp) {
    for (int i = 0; i < n; ++i) {
      Real s(0);
      for (int k = j; k < i; ++k) s = math::fma(-a[k * stride + i], y[k * warp], s);
      y[i * warp] = i < j ? Real(0) : (i == j ? shared.reciprocal[i] : s * shared.reciprocal[i]);
    }
    for (int i = n - 1; i >= 0; --i) {
      Real s = y[i * warp];
      for (int k = i + 1; k < n; ++k) s = math::fma(-a[k * stride + i], y[k * warp], s);
      y[i * warp] = s;
      to[shared.row[i] * n + j] = static_cast<T>(s);
    }
  }
}

__device__ __forceinline__ Summary<float> stored_as(const Summary<double>& result, float) {
  return refined(result);
}
template <class T>
__device__ __forceinline__ Summary<T> stored_as(const Summary<T>& result, T) {
  return result;
}

/// Matrix b of the batch, computed in Real.
template <class Real, class T>
__device__ __forceinline__ void slogdet_shared(SharedMatrix<Real>& shared, const Slogdet<T>& a, Index b) {
  const int n = static_cast<int>(a.n);
  const int stride = n | 1;
  const T* const matrix = a.matrix + b * n * n;
  __syncwarp();  // the matrix before this one is done
  for (int i = thread_index(); i < n * n; i += warp) {
    shared.a[i / n * stride + i % n] = static_cast<Real>(matrix[i]);
  }
  for (int i = thread_index(); i < n; i += warp) shared.row[i] = i;
  __syncwarp();
  const Summary<T> result = stored_as(summary(factor(shared, n, stride)), T());
  if (thread_index() == 0) {
    a.sign[b] = result.sign;
    a.log_abs_det[b] = result.log_abs_det;
    a.state[b] = result.state;
  }
  if (a.inverse_transpose == nullptr) return;
  T* const inverse = a.inverse_transpose + b * n * n;
  if (const MatrixState state = state_of(result.state); has_inverse(state)) {
    store_inverse(shared, n, stride, inverse);
  } else {
    for (int i = thread_index(); i < n * n; i += warp) inverse[i] = no_inverse<T>(state);
  }
}

template <class T>
__global__ void __launch_bounds__(warp) slogdet_warp(Slogdet<T> a) {
  ELBOW_SHARED(SharedMatrix<T>, shared, 1);
  slogdet_shared(shared[0], a, block_index());
}

/// Does those matrices again in double that float cannot be trusted with. `blocks` is how many there are.
__global__ void __launch_bounds__(warp) slogdet_refine(Slogdet<float> a, Index blocks) {
  ELBOW_SHARED(SharedMatrix<double>, shared, 1);
  for (Index first = block_index() * warp; first < a.batch; first += blocks * warp) {
    const Index mine = first + thread_index();
    const bool again = mine < a.batch && again_in_double(a.state[mine]);
    const unsigned chosen = __ballot_sync(all_lanes, again);
    for (int i = 0; i < warp; ++i) {
      if ((chosen >> i & 1) != 0) slogdet_shared(shared[0], a, first + i);
    }
  }
}

// --- Which of them

Index blocks_for(Index count, Index per_block) { return (count + per_block - 1) / per_block; }

template <int n, class T>
void launch_by_thread(const Slogdet<T>& a) {
  if (a.n == n) {
    launch("slogdet", slogdet_thread<n, T>,
           per_block(blocks_for(a.batch, threads_per_block), threads_per_block), a);
  } else if constexpr (n > 1) {
    launch_by_thread<n - 1>(a);
  }
}

template <int width, class T>
void launch_by_lanes(const Slogdet<T>& a) {
  launch("slogdet", slogdet_lanes<width, T>,
         per_block(blocks_for(a.batch, threads_per_block / width), threads_per_block), a);
}

template <class T>
void launch_by_size(const Slogdet<T>& a) {
  if (a.n <= 6) {
    launch_by_thread<6>(a);
  } else if (a.n <= 8) {
    launch_by_lanes<8>(a);
  } else if (a.n <= 16) {
    launch_by_lanes<16>(a);
  } else {
    launch("slogdet", slogdet_warp<T>, per_block(a.batch, warp), a);
  }
}

template <>
void run(const Slogdet<float>& a) {
  launch_by_size(a);
  constexpr Index most_blocks = 2048;
  const Index blocks = blocks_for(a.batch, warp);
  const Index used = blocks < most_blocks ? blocks : most_blocks;
  launch("slogdet", slogdet_refine, per_block(used, warp), a, used);
}

template <>
void run(const Slogdet<double>& a) {
  launch_by_size(a);
}

}  // namespace elbow::kernels::cuda
