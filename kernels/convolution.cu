#include "kernels/convolution_dnn.cuh"
#include "kernels/convolution_formulas.h"
#include "kernels/launch.cuh"

// Each of the three is a product of matrices whose left operand is an image: an element is the pixel at the sum of its row's
// place and its term's. A block computes a tile of the output as kernels/matmul.cu does, step by step down the depth through
// shared memory, and nothing is unfolded in global memory. A product comes in parts, as many as there are samples (the
// weight's gradient) or phases (a transposed convolution).
namespace elbow::kernels::cuda {

constexpr int tile_rows = 64;
constexpr int tile_columns = 32;
constexpr int step = 16;
constexpr int own = 4;  ///< rows and columns of a thread
constexpr int threads = tile_rows / own * (tile_columns / own);
constexpr int left_carried = tile_rows * step / threads;  ///< a thread fetches of the left operand in a step
constexpr int right_carried = tile_columns * step / threads;  ///< of the right one

/// Of the left operand's image.
struct Place {
  Index y, x, c;
};

/// A row of the left operand: an image, and the place in it that its terms start from.
template <class T>
struct ImageRow {
  Image<T> image;
  Place place;

  __device__ __forceinline__ T operator()(const Place& term) const {
    return image(place.y + term.y, place.x + term.x, place.c + term.c);
  }
};

/// Rows are the small image's pixels of all samples, terms (p, q, c), columns its channels.
template <class T>
struct ConvolutionProduct {
  Convolution<T> a;

  Index parts() const { return 1; }
  Index most_rows() const { return a.shape.batch * a.shape.small_height * a.shape.small_width; }
  ELBOW_HD Index columns() const { return a.shape.small_channels; }

  struct Part {
    const Convolution<T>& a;
    const ConvolutionShape& s;
    Index rows, depth;

    __device__ __forceinline__ Part(const ConvolutionProduct& product, Index)
        : a(product.a),
          s(product.a.shape),
          rows(s.batch * s.small_height * s.small_width),
          depth(s.kernel * s.kernel * s.large_channels) {}
    __device__ __forceinline__ ImageRow<T> row(Index r) const {
      const Index j = r % s.small_width, i = r / s.small_width % s.small_height;
      return {large_image(s, a.large, r / s.small_width / s.small_height),
              {s.stride * i - s.padding, s.stride * j - s.padding, 0}};
    }
    __device__ __forceinline__ Place term(Index k) const {
      const Index taps = k / s.large_channels;
      return {taps / s.kernel, taps % s.kernel, k % s.large_channels};
    }
    __device__ __forceinline__ T right(Index k, Index column) const {
      return a.weight[k * s.small_channels + column];
    }
    __device__ __forceinline__ T start(Index column) const { return a.bias ? a.bias[column] : T(0); }
    __device__ __forceinline__ void finish(Index r, Index column, T sum) const {
      a.small[r * s.small_channels + column] = rectified(sum, a.relu);
    }
  };
};

/// A part for each phase: rows are its pixels of all samples, terms (i, j, o), columns the large image's channels.
template <class T>
struct TransposedProduct {
  TransposedConvolution<T> a;

  Index parts() const { return a.shape.stride * a.shape.stride; }
  Index most_rows() const {
    const Phase first(a.shape, 0, 0);
    return a.shape.batch * first.height * first.width;
  }
  ELBOW_HD Index columns() const { return a.shape.large_channels; }

  struct Part {
    const TransposedConvolution<T>& a;
    const ConvolutionShape& s;
    Phase phase;
    Index rows, depth;

    __device__ __forceinline__ Part(const TransposedProduct& product, Index part)
        : a(product.a),
          s(product.a.shape),
          phase(s, part / s.stride, part % s.stride),
          rows(s.batch * phase.height * phase.width),
          depth(phase.rows.count * phase.columns.count * s.small_channels) {}
    __device__ __forceinline__ ImageRow<T> row(Index r) const {
      const Index x = r % phase.width, y = r / phase.width % phase.height;
      return {small_image(s, a.small, r / phase.width / phase.height),
              {phase.rows.first + y, phase.columns.first + x, 0}};
    }
    __device__ __forceinline__ Place term(Index k) const {
      const Index taps = k / s.small_channels;
      return {taps / phase.columns.count, taps % phase.columns.count, k % s.small_channels};
    }
    __device__ __forceinline__ T right(Index k, Index column) const {
      const Place t = term(k);
      return a.weight[weight_offset(s, phase.rows.kernel_row(phase.rows.first + t.y),
                                    phase.columns.kernel_row(phase.columns.first + t.x), column, t.c)];
    }
    __device__ __forceinline__ T start(Index column) const { return a.bias ? a.bias[column] : T(0); }
    __device__ __forceinline__ void finish(Index r, Index column, T sum) const {
      const Index x = phase.x + r % phase.width * s.stride;
      const Index y = phase.y + r / phase.width % phase.height * s.stride;
      const Index b = r / phase.width / phase.height;
      a.large[((b * s.large_height + y) * s.large_width + x) * s.large_channels + column] =
          rectified(sum, a.relu);
    }
  };
};

/// A part for each sample: rows are (p, q, c), terms the small image's pixels, columns its channels. Into the workspace.
template <class T>
struct WeightProduct {
  ConvolutionWeight<T> a;

  Index parts() const { return a.shape.batch; }
  Index most_rows() const { return a.shape.kernel * a.shape.kernel * a.shape.large_channels; }
  ELBOW_HD Index columns() const { return a.shape.small_channels; }

  struct Part {
    const ConvolutionWeight<T>& a;
    const ConvolutionShape& s;
    Index sample;
    Index rows, depth;

    __device__ __forceinline__ Part(const WeightProduct& product, Index part)
        : a(product.a),
          s(product.a.shape),
          sample(part),
          rows(s.kernel * s.kernel * s.large_channels),
          depth(s.small_height * s.small_width) {}
    __device__ __forceinline__ ImageRow<T> row(Index r) const {
      const Index taps = r / s.large_channels;
      return {large_image(s, a.large, sample),
              {taps / s.kernel - s.padding, taps % s.kernel - s.padding, r % s.large_channels}};
    }
    __device__ __forceinline__ Place term(Index k) const {
      return {k / s.small_width * s.stride, k % s.small_width * s.stride, 0};
    }
    __device__ __forceinline__ T right(Index k, Index column) const {
      return a.small[(sample * depth + k) * s.small_channels + column];
    }
    __device__ __forceinline__ T start(Index) const { return T(0); }
    __device__ __forceinline__ void finish(Index r, Index column, T sum) const {
      a.workspace[(sample * rows + r) * s.small_channels + column] = sum;
    }
  };
};

template <class Product, class T>
__global__ void __launch_bounds__(threads) convolution(Product product, Index row_tiles, Index column_tiles) {
  // Rows of the parts are 16 bytes longer than the tile: storing down a column then meets few bank conflicts.
  using LeftRow = T[tile_rows + 16 / sizeof(T)];
  using RightRow = T[tile_columns + 16 / sizeof(T)];
  ELBOW_SHARED(LeftRow, left_part, step);
  ELBOW_SHARED(RightRow, right_part, step);

  const typename Product::Part part(product, block_index() / column_tiles / row_tiles);
  const Index first_row = block_index() / column_tiles % row_tiles * tile_rows;
  const Index first_column = block_index() % column_tiles * tile_columns;
  const Index columns = product.columns();

  // Neighbouring threads fetch neighbouring terms of a row, and neighbouring columns.
  const int left_k = thread_index() % step, left_row = thread_index() / step;
  const int right_k = thread_index() / tile_columns, right_column = thread_index() % tile_columns;
  ImageRow<T> carried[left_carried];
#pragma unroll
  for (int i = 0; i < left_carried; ++i) {
    const Index row = first_row + left_row + i * (threads / step);
    if (row < part.rows) carried[i] = part.row(row);
  }

  const int own_row = thread_index() / (tile_columns / own) * own;
  const int own_column = thread_index() % (tile_columns / own) * own;
  T sum[own][own];
#pragma unroll
  for (int j = 0; j < own; ++j) {
    const Index column = first_column + own_column + j;
    const T start = column < columns ? part.start(column) : T(0);
#pragma unroll
    for (int i = 0; i < own; ++i) sum[i][j] = start;
  }

  for (Index first = 0; first < part.depth; first += step) {
    const Place term = part.term(first + left_k);
#pragma unroll
    for (int i = 0; i < left_carried; ++i) {
      const int row = left_row + i * (threads / step);
      if (first_row + row < part.rows) left_part[left_k][row] = carried[i](term);
    }
#pragma unroll
    for (int i = 0; i < right_carried; ++i) {
      const int k = right_k + i * (threads / tile_columns);
      const Index column = first_column + right_column;
      if (first + k < part.depth && column < columns)
        right_part[k][right_column] = part.right(first + k, column);
    }
    __syncthreads();
    for (int k = 0; k < step && first + k < part.depth; ++k) {
#pragma unroll
      for (int i = 0; i < own; ++i) {
#pragma unroll
        for (int j = 0; j < own; ++j) {
          sum[i][j] = math::fma(left_part[k][own_row + i], right_part[k][own_column + j], sum[i][j]);
        }
      }
    }
    __syncthreads();
  }

#pragma unroll
  for (int i = 0; i < own; ++i) {
#pragma unroll
    for (int j = 0; j < own; ++j) {
      const Index row = first_row + own_row + i, column = first_column + own_column + j;
      if (row < part.rows && column < columns) part.finish(row, column, sum[i][j]);
    }
  }
}

/// weight = the sum of the samples' gradients.
template <class T>
__global__ void convolution_samples(const T* gradients, Index samples, Index count, T* weight) {
  for (Index i = global_index(); i < count; i += global_threads()) {
    T total(0);
    for (Index b = 0; b < samples; ++b) total += gradients[b * count + i];
    weight[i] = total;
  }
}

inline Index tiles(Index extent, int tile) { return (extent + tile - 1) / tile; }

template <class T, class Product>
void launch_product(const Product& product) {
  const Index row_tiles = tiles(product.most_rows(), tile_rows);
  const Index column_tiles = tiles(product.columns(), tile_columns);
  launch("convolution", convolution<Product, T>,
         per_block(product.parts() * row_tiles * column_tiles, threads), product, row_tiles, column_tiles);
}

template <class T>
void run(const Convolution<T>& a) {
  if (suits_dnn(a.shape) && run_dnn(a)) return;
  launch_product<T>(ConvolutionProduct<T>{a});
}

template <class T>
void run(const TransposedConvolution<T>& a) {
  if (suits_dnn(a.shape) && run_dnn(a)) return;
  launch_product<T>(TransposedProduct<T>{a});
}

template <class T>
void run(const ConvolutionWeight<T>& a) {
  if (suits_dnn(a.shape) && run_dnn(a)) return;
  launch_product<T>(WeightProduct<T>{a});
  const Index count = a.shape.weight_count();
  launch("convolution", convolution_samples<T>, per_element(count), a.workspace, a.shape.batch, count,
         a.weight);
}

template void run(const Convolution<float>&);
template void run(const Convolution<double>&);
template void run(const TransposedConvolution<float>&);
template void run(const TransposedConvolution<double>&);
template void run(const ConvolutionWeight<float>&);
template void run(const ConvolutionWeight<double>&);

}  // namespace elbow::kernels::cuda
