#include "kernels/slogdet.cuh"

// A lane per row. Rows stay where they are; a lane knows the place of its row in the factors.
namespace elbow::kernels::cuda {

constexpr int threads_per_block = 128;

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

template <int width, class T>
void launch_slogdet_of_width(const Slogdet<T>& a) {
  launch("slogdet_lanes", slogdet_lanes<width, T>,
         per_block(blocks_for(a.batch, threads_per_block / width), threads_per_block), a);
}

template <class T>
void launch_slogdet_by_lanes(const Slogdet<T>& a) {
  if (a.n <= 8) {
    launch_slogdet_of_width<8>(a);
  } else {
    launch_slogdet_of_width<16>(a);
  }
}

template void launch_slogdet_by_lanes(const Slogdet<float>&);
template void launch_slogdet_by_lanes(const Slogdet<double>&);

}  // namespace elbow::kernels::cuda
