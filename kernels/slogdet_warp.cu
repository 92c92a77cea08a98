#include "kernels/slogdet.cuh"

// A warp per matrix, which lies in shared memory.
namespace elbow::kernels::cuda {

constexpr int warp = 32;
constexpr int most = static_cast<int>(slogdet_in_fixed_order_up_to);

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
    __syncwarp();  // shuffles order no memory
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

template <class T>
void launch_slogdet_by_warp(const Slogdet<T>& a) {
  launch("slogdet_warp", slogdet_warp<T>, per_block(a.batch, warp), a);
}

template void launch_slogdet_by_warp(const Slogdet<float>&);
template void launch_slogdet_by_warp(const Slogdet<double>&);

void launch_slogdet_in_double(const Slogdet<float>& a) {
  constexpr Index most_blocks = 2048;
  const Index blocks = blocks_for(a.batch, warp);
  const Index used = blocks < most_blocks ? blocks : most_blocks;
  launch("slogdet_warp", slogdet_refine, per_block(used, warp), a, used);
}

}  // namespace elbow::kernels::cuda
