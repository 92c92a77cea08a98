#pragma once
// The one product that forward pass, gradient of a layer's input and gradient of its weight share, for kernels/vae_steps.cu.
#include "kernels/vae_steps_threads.cuh"

namespace elbow::kernels::cuda {

/// A factor of a product: the rows of the left one, the columns of the right one, are its lines.
template <class T>
struct Factor {
  __device__ __forceinline__ Factor(Near<T> data, Index lines_, Index stride_, bool by_depth_)
      : numbers(data),
        lines(static_cast<int>(lines_)),
        stride(static_cast<int>(stride_)),
        by_depth(by_depth_) {}
  Near<T> numbers;
  int lines;
  int stride;
  bool by_depth;  ///< neighbouring numbers are those of one line; otherwise neighbouring lines' at one depth
};

inline constexpr int vae_steps_vector = 4;  ///< numbers that are fetched at once along the depth

/// `own` lines of a factor that a thread multiplies with, of a group of them.
template <int own, bool by_depth, class T>
struct Lines {
  static constexpr int length = by_depth ? vae_steps_vector : own;

  __device__ __forceinline__ Lines(const Factor<T>& f, int group, int groups)
      : numbers(f.numbers),
        count(f.lines),
        stride(f.stride),
        first(by_depth ? group : own * group),
        apart(by_depth ? groups : 1) {
    const int last = count - 1;
#pragma unroll
    for (int i = 0; i < own; ++i) {
      place[i] = by_depth ? (index(i) < last ? index(i) : last) * stride : index(i);
    }
  }

  __device__ __forceinline__ int index(int i) const { return first + i * apart; }
  __device__ __forceinline__ bool exists(int i) const { return index(i) < count; }

  /// to[k][i] of line i at depth `depth` + k.
  __device__ __forceinline__ void fetch(int depth, T (&to)[vae_steps_vector][own]) const {
#pragma unroll
    for (int j = 0; j < (by_depth ? own : vae_steps_vector); ++j) {
      const int from = by_depth ? place[j] + depth : place[0] + (depth + j) * stride;
      const auto vector = Numbers<T, length>::at(numbers[from]);
#pragma unroll
      for (int i = 0; i < length; ++i) (by_depth ? to[i][j] : to[j][i]) = vector.value[i];
    }
  }

  __device__ __forceinline__ T at(int depth, int i) const {
    return numbers[place[i] + (by_depth ? depth : depth * stride)];
  }

  Near<T> numbers;
  int count, stride, first, apart;
  int place[own];
};

/// work.end(rows, columns, sum, fetched) for a thread's tile of the product, with sum = work.start(r) of row r and then, for k
/// ascending, sum = fma(left[r, k], right[k, c], sum), the order of kernels/matmul.h; `fetched` is what work.fetch(rows, columns)
/// gave before all that.
template <class Tile, class T, class Rows, class Columns, class Work>
__device__ __forceinline__ void multiply_tile(const Rows& rows, const Columns& columns, int depth,
                                              const Work& work) {
  constexpr int down = Tile::rows, across = Tile::columns;
  T sum[down][across];
  const auto for_each = [&](auto use) {
#pragma unroll
    for (int i = 0; i < down; ++i) {
#pragma unroll
      for (int j = 0; j < across; ++j) use(i, j);
    }
  };
  const auto fetched = work.template fetch<Tile>(rows, columns);
#pragma unroll
  for (int i = 0; i < down; ++i) {
    const T first = rows.exists(i) ? work.start(rows.index(i)) : T(0);
#pragma unroll
    for (int j = 0; j < across; ++j) sum[i][j] = first;
  }
  int k = 0;
#pragma unroll(down* across == 1 ? 4 : 2)
  for (; k + vae_steps_vector <= depth; k += vae_steps_vector) {
    T a[vae_steps_vector][down], b[vae_steps_vector][across];
    rows.fetch(k, a);
    columns.fetch(k, b);
#pragma unroll
    for (int step = 0; step < vae_steps_vector; ++step) {
      for_each([&](int i, int j) { sum[i][j] = math::fma(a[step][i], b[step][j], sum[i][j]); });
    }
  }
#pragma unroll 1
  for (; k < depth; ++k) {
    for_each([&](int i, int j) { sum[i][j] = math::fma(rows.at(k, i), columns.at(k, j), sum[i][j]); });
  }
  work.template end<Tile>(rows, columns, sum, fetched);
}

/// All tiles of a product, which the team shares. Threads of a warp that are side by side fetch from different banks.
template <class Tile, bool left_by_depth, bool right_by_depth, class Team, class T, class Work>
__device__ __forceinline__ void multiply_tiles(Team& team, const Factor<T>& left, int depth,
                                               const Factor<T>& right, const Work& work) {
  const int row_groups = (left.lines + Tile::rows - 1) / Tile::rows;
  const int column_groups = (right.lines + Tile::columns - 1) / Tile::columns;
  const int column_warps = (column_groups + Tile::across - 1) / Tile::across;
  const int row_warps = (row_groups + Tile::down - 1) / Tile::down;
  const int lane = thread_index() % 32;
  team.share_out(row_warps, column_warps, [&](int row_warp, int column_warp) ELBOW_INLINED {
    const int row_group = row_warp * Tile::down + lane / Tile::across;
    const int column_group = column_warp * Tile::across + lane % Tile::across;
    if (row_group >= row_groups || column_group >= column_groups) return;
    const Lines<Tile::rows, left_by_depth, T> rows(left, row_group, row_groups);
    const Lines<Tile::columns, right_by_depth, T> columns(right, column_group, column_groups);
    multiply_tile<Tile, T>(rows, columns, depth, work);
  });
}

template <bool right_by_depth, class Team, class T, class Work>
__device__ __forceinline__ void multiply(Team& team, const Factor<T>& left, Index depth,
                                         const Factor<T>& right, const Work& work) {
  Team::with_tile(left.lines * right.lines, [&](auto tile) ELBOW_INLINED {
    if (left.by_depth) {
      multiply_tiles<decltype(tile), true, right_by_depth>(team, left, static_cast<int>(depth), right, work);
    } else {
      multiply_tiles<decltype(tile), false, right_by_depth>(team, left, static_cast<int>(depth), right, work);
    }
  });
}

/// What a tile of (features, samples) has of its row i: neighbouring columns, the last of which may be in a row's padding.
template <class Tile, class T, class Rows, class Columns>
__device__ __forceinline__ Numbers<T, Tile::columns>& tile_row(T& first, int stride, const Rows& rows,
                                                               const Columns& columns, int i) {
  return Numbers<T, Tile::columns>::at((&first)[rows.index(i) * stride + columns.index(0)]);
}

}  // namespace elbow::kernels::cuda
