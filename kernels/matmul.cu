#include "kernels/matmul.h"

#include "kernels/launch.cuh"
#include "kernels/math.h"
#include "kernels/matmul_blas.cuh"

// A block computes a square tile of the output. It walks down the depth in steps: the step's parts of left
// and right go to shared memory, from where each thread multiplies its own rows by its own columns in
// registers. While it multiplies, the next step's parts are already on their way into registers. Depth is
// never padded and never split, so that each element sees the contract's chain of fma.
namespace elbow::kernels::cuda {

/// One variant: `tile` rows and columns a block, `own` rows and columns a thread, `step` of depth at a time.
template <int tile_, int step_, int own_>
struct Tiling {
  static constexpr int tile = tile_;
  static constexpr int step = step_;
  static constexpr int own = own_;
  static constexpr int side = tile / own;  ///< threads along one side of the tile
  static constexpr int threads = side * side;
  static constexpr int carried = tile * step / threads;  ///< elements of each operand per thread and step
};
using LargeTiling = Tiling<64, 16, 4>;
using SmallTiling = Tiling<32, 32, 2>;

/// What one thread carries of one operand, step after step, from global to shared memory. `across` counts
/// rows of left or columns of right from the tile's first, `k` depth from the step's first.
template <class Sizes, class T>
struct Carrier {
  __device__ __forceinline__ Carrier(const T* tile, Index across_stride, Index depth_stride,
                                     Index across_left, Index depth)
      : step_stride(Sizes::step * depth_stride),
        across_end(across_left < Sizes::tile ? static_cast<int>(across_left) : Sizes::tile),
        depth_left(depth) {
    // Neighbouring threads take neighbouring addresses.
    const bool depth_is_contiguous = depth_stride == 1;
    across = depth_is_contiguous ? thread_index() / Sizes::step : thread_index() % Sizes::tile;
    k = depth_is_contiguous ? thread_index() % Sizes::step : thread_index() / Sizes::tile;
    across_hop = depth_is_contiguous ? Sizes::threads / Sizes::step : 0;
    k_hop = depth_is_contiguous ? 0 : Sizes::threads / Sizes::tile;
    next = tile + across * across_stride + k * depth_stride;
    hop = across_hop * across_stride + k_hop * depth_stride;
  }

  /// Fetches the next step's elements, zeros where the operand ends.
  __device__ __forceinline__ void fetch() {
#pragma unroll
    for (int i = 0; i < Sizes::carried; ++i) {
      const bool inside = across + i * across_hop < across_end && k + i * k_hop < depth_left;
      carried[i] = inside ? next[i * hop] : T(0);
    }
    next += step_stride;
    depth_left -= Sizes::step;
  }

  template <class Part>
  __device__ __forceinline__ void share(Part& part) const {
#pragma unroll
    for (int i = 0; i < Sizes::carried; ++i) part[k + i * k_hop][across + i * across_hop] = carried[i];
  }

  const T* next;
  Index hop;
  Index step_stride;
  int across, k;
  int across_hop, k_hop;
  int across_end;
  Index depth_left;
  T carried[Sizes::carried];
};

template <int own, class T>
__device__ __forceinline__ void multiply(const T* left, const T* right, T (&sum)[own][own]) {
  T l[own], r[own];
#pragma unroll
  for (int i = 0; i < own; ++i) l[i] = left[i];
#pragma unroll
  for (int i = 0; i < own; ++i) r[i] = right[i];
#pragma unroll
  for (int i = 0; i < own; ++i) {
#pragma unroll
    for (int j = 0; j < own; ++j) sum[i][j] = math::fma(l[i], r[j], sum[i][j]);
  }
}

template <class Sizes, class T>
__global__ void __launch_bounds__(Sizes::threads) matmul(Matmul<T> a, Index row_tiles, Index column_tiles) {
  // Rows of the parts are 16 bytes longer than the tile: storing down a column then meets few bank conflicts.
  using Row = T[Sizes::tile + 16 / sizeof(T)];
  ELBOW_SHARED(Row, left_part, Sizes::step);
  ELBOW_SHARED(Row, right_part, Sizes::step);

  const Index column_tile = block_index() % column_tiles;
  const Index row_tile = block_index() / column_tiles % row_tiles;
  const Index batch = block_index() / column_tiles / row_tiles;
  const Index row = row_tile * Sizes::tile;
  const Index column = column_tile * Sizes::tile;
  Carrier<Sizes, T> left(a.left.data + batch * a.left.batch_stride + row * a.left.row_stride,
                         a.left.row_stride, a.left.column_stride, a.rows - row, a.depth);
  Carrier<Sizes, T> right(a.right.data + batch * a.right.batch_stride + column * a.right.column_stride,
                          a.right.column_stride, a.right.row_stride, a.columns - column, a.depth);
  const int own_row = thread_index() / Sizes::side * Sizes::own;
  const int own_column = thread_index() % Sizes::side * Sizes::own;
  T* const output = a.output + (batch * a.rows + row + own_row) * a.columns + column + own_column;
  const Index rows_left = a.rows - row - own_row;
  const Index columns_left = a.columns - column - own_column;

  T sum[Sizes::own][Sizes::own];
#pragma unroll
  for (int i = 0; i < Sizes::own; ++i) {
#pragma unroll
    for (int j = 0; j < Sizes::own; ++j) {
      const bool continues = a.accumulate && i < rows_left && j < columns_left;
      sum[i][j] = continues ? output[i * a.columns + j] : T(0);
    }
  }

  left.fetch();
  right.fetch();
  for (Index first = 0; first < a.depth; first += Sizes::step) {
    left.share(left_part);
    right.share(right_part);
    __syncthreads();
    left.fetch();
    right.fetch();
    if (a.depth - first >= Sizes::step) {
#pragma unroll
      for (int k = 0; k < Sizes::step; ++k) multiply(left_part[k] + own_row, right_part[k] + own_column, sum);
    } else {
      for (Index k = 0; k < a.depth - first; ++k) {
        multiply(left_part[k] + own_row, right_part[k] + own_column, sum);
      }
    }
    __syncthreads();
  }

#pragma unroll
  for (int i = 0; i < Sizes::own; ++i) {
#pragma unroll
    for (int j = 0; j < Sizes::own; ++j) {
      if (i < rows_left && j < columns_left) output[i * a.columns + j] = sum[i][j];
    }
  }
}

inline Index tiles(Index extent, int tile) { return (extent + tile - 1) / tile; }

template <class Sizes, class T>
void launch_tiled(const Matmul<T>& a) {
  const Index row_tiles = tiles(a.rows, Sizes::tile);
  const Index column_tiles = tiles(a.columns, Sizes::tile);
  launch("matmul", matmul<Sizes, T>, per_block(a.batch * row_tiles * column_tiles, Sizes::threads), a,
         row_tiles, column_tiles);
}

template <class T>
void run(const Matmul<T>& a) {
  if (suits_blas(a)) return run_blas(a);
  // The large tile does more arithmetic per load, but must come often enough to keep a big GPU busy.
  constexpr Index enough_blocks = 128;
  const Index large_tiles = a.batch * tiles(a.rows, LargeTiling::tile) * tiles(a.columns, LargeTiling::tile);
  if (large_tiles >= enough_blocks) {
    launch_tiled<LargeTiling>(a);
  } else {
    launch_tiled<SmallTiling>(a);
  }
}

template void run(const Matmul<float>&);
template void run(const Matmul<double>&);

}  // namespace elbow::kernels::cuda
