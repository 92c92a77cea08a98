#pragma once
// The layers of a multi-layer perceptron, forward and backward with Adam, by one block of threads, for kernels/vae_steps.cu.
#include "kernels/launch.cuh"
#include "kernels/sum.h"
#include "kernels/vae_steps_layout.h"

namespace elbow::kernels::cuda {

inline constexpr int vae_steps_threads = 256;

/// Calls use(i) for this thread's share of [0, count).
template <class Use>
__device__ __forceinline__ void for_own(Index count, Use use) {
  const int end = static_cast<int>(count);
  for (int i = thread_index(); i < end; i += vae_steps_threads) use(i);
}

/// Calls use(row, column, place) for this thread's share of (rows, columns), whose rows are `stride` apart.
template <class Use>
__device__ __forceinline__ void for_own(Index rows, Index columns, Index stride, Use use) {
  const int length = static_cast<int>(columns), apart = static_cast<int>(stride);
  for_own(rows * columns, [&](int i) { use(i / length, i % length, i / length * apart + i % length); });
}

/// A factor of a product, in shared memory: the rows of the left one, the columns of the right one, are its lines.
template <class T>
struct Factor {
  __device__ __forceinline__ Factor(const T* data, Index lines_, Index stride_, bool by_depth_)
      : lines(static_cast<int>(lines_)), stride(static_cast<int>(stride_)), by_depth(by_depth_) {
    ELBOW_DYNAMIC_SHARED(const T, shared);
    offset = static_cast<int>(data - shared);
  }
  int offset;  ///< from the start of shared memory: the compiler knows then what it fetches from
  int lines;
  int stride;
  bool by_depth;  ///< neighbouring numbers are those of one line; otherwise neighbouring lines' at one depth
};

/// `own` lines of a factor that a thread multiplies with, of a group of them.
template <int own, bool by_depth, class T>
struct Lines {
  struct alignas(own * sizeof(T)) Vector {
    T value[own];
  };

  __device__ __forceinline__ Lines(const Factor<T>& f, int group, int groups)
      : stride(f.stride), first(by_depth ? group : own * group), apart(by_depth ? groups : 1) {
    const int last = f.lines - 1;
#pragma unroll
    for (int i = 0; i < own; ++i) {
      const int line = by_depth ? (index(i) < last ? index(i) : last) * stride : index(i);
      place[i] = f.offset + line;
    }
  }

  __device__ __forceinline__ int index(int i) const { return first + i * apart; }

  /// numbers[k][i] of line i at depth `depth` + k.
  __device__ __forceinline__ void fetch(int depth, T (&numbers)[own][own]) const {
    ELBOW_DYNAMIC_SHARED(const T, shared);
#pragma unroll
    for (int j = 0; j < own; ++j) {
      const int from = by_depth ? place[j] + depth : place[0] + (depth + j) * stride;
      const Vector vector = *reinterpret_cast<const Vector*>(shared + from);
#pragma unroll
      for (int i = 0; i < own; ++i) (by_depth ? numbers[i][j] : numbers[j][i]) = vector.value[i];
    }
  }

  __device__ __forceinline__ T at(int depth, int i) const {
    ELBOW_DYNAMIC_SHARED(const T, shared);
    return shared[place[i] + (by_depth ? depth : depth * stride)];
  }

  int stride, first, apart;
  int place[own];
};

/// finish(r, c, s) for each element, with s = start(r);  for k ascending: s = fma(left[r, k], right[k, c], s), the order of
/// kernels/matmul.h. A thread has own x own elements, a warp 4 x 8 threads: then what they fetch lies in different banks.
template <int own, bool left_by_depth, bool right_by_depth, class T, class Start, class Finish>
__device__ __forceinline__ void multiply_tiles(const Factor<T>& left, int depth, const Factor<T>& right,
                                               Start start, Finish finish) {
  constexpr int down = 4, across = 8;
  const int rows = left.lines, columns = right.lines;
  const int row_groups = (rows + own - 1) / own, column_groups = (columns + own - 1) / own;
  const int column_warps = (column_groups + across - 1) / across;
  const int warps = (row_groups + down - 1) / down * column_warps;
  const int lane = thread_index() % 32;
  for (int warp = thread_index() / 32; warp < warps; warp += vae_steps_threads / 32) {
    const int row_group = warp / column_warps * down + lane / across;
    const int column_group = warp % column_warps * across + lane % across;
    if (row_group >= row_groups || column_group >= column_groups) continue;
    const Lines<own, left_by_depth, T> l(left, row_group, row_groups);
    const Lines<own, right_by_depth, T> r(right, column_group, column_groups);
    T sum[own][own];
#pragma unroll
    for (int i = 0; i < own; ++i) {
      const T first = l.index(i) < rows ? start(l.index(i)) : T(0);
#pragma unroll
      for (int j = 0; j < own; ++j) sum[i][j] = first;
    }
    int k = 0;
#pragma unroll 1
    for (; k + own <= depth; k += own) {
      T a[own][own], b[own][own];
      l.fetch(k, a);
      r.fetch(k, b);
#pragma unroll
      for (int step = 0; step < own; ++step) {
#pragma unroll
        for (int i = 0; i < own; ++i) {
#pragma unroll
          for (int j = 0; j < own; ++j) sum[i][j] = math::fma(a[step][i], b[step][j], sum[i][j]);
        }
      }
    }
#pragma unroll 1
    for (; k < depth; ++k) {
#pragma unroll
      for (int i = 0; i < own; ++i) {
#pragma unroll
        for (int j = 0; j < own; ++j) sum[i][j] = math::fma(l.at(k, i), r.at(k, j), sum[i][j]);
      }
    }
#pragma unroll
    for (int i = 0; i < own; ++i) {
#pragma unroll
      for (int j = 0; j < own; ++j) {
        if (l.index(i) < rows && r.index(j) < columns) finish(l.index(i), r.index(j), sum[i][j]);
      }
    }
  }
}

/// Small products leave most threads idle in tiles of 4 x 4.
template <bool right_by_depth, class T, class Start, class Finish>
__device__ __forceinline__ void multiply(const Factor<T>& left, Index whole_depth, const Factor<T>& right,
                                         Start start, Finish finish) {
  const int depth = static_cast<int>(whole_depth);
  const bool small = left.lines * right.lines <= 4 * vae_steps_threads;
  if (left.by_depth) {
    if (small) {
      multiply_tiles<1, true, right_by_depth>(left, depth, right, start, finish);
    } else {
      multiply_tiles<4, true, right_by_depth>(left, depth, right, start, finish);
    }
  } else if (small) {
    multiply_tiles<1, false, right_by_depth>(left, depth, right, start, finish);
  } else {
    multiply_tiles<4, false, right_by_depth>(left, depth, right, start, finish);
  }
}

template <class T>
__device__ __noinline__ void forward(const VaeNetwork<T>& network) {
  const MlpShape& shape = network.shape;
  const T slope = static_cast<T>(shape.slope);
  for (Index i = 0; i < shape.layers; ++i) {
    const VaeLayer<T>& layer = network.layers[i];
    const bool activated = i + 1 < shape.layers;
    const bool at_once = activated && value_tells_slope(shape.activation);
    const int columns = static_cast<int>(network.columns);
    const T* const bias = layer.parameters + layer.bias();
    T* const to = layer.to;
    multiply<false>(
        Factor<T>{layer.parameters, layer.outputs, layer.stride, !layer.exchanged}, layer.inputs,
        Factor<T>{layer.from, network.batch, columns, false}, [=](int row) { return bias[row]; },
        [=](int row, int column, T sum) {
          to[row * columns + column] = at_once ? activations::leaky_relu{}(sum, slope).value : sum;
        });
    __syncthreads();
    if (!activated || at_once) continue;
    T* const slopes = layer.slope;
    with_activation(shape.activation, [&](auto function) {
      for_own(layer.outputs, network.batch, columns, [=](int, int, int at) {
        const ValueAndSlope<T> found = function(to[at], slope);
        to[at] = found.value;
        slopes[at] = found.slope;
      });
    });
    __syncthreads();
  }
}

/// The gradient by a layer's input, before the activation that `below` ends with if there is one.
template <class T>
__device__ __forceinline__ void gradient_of_input(const VaeLayer<T>& layer, const VaeLayer<T>* below, T slope,
                                                  const VaeNetwork<T>& network, const T* gradient, T* to) {
  const int columns = static_cast<int>(network.columns);
  const T* const slopes = below == nullptr ? nullptr : below->slope;
  const T* const values = below == nullptr ? nullptr : layer.from;
  multiply<false>(
      Factor<T>{layer.parameters, layer.inputs, layer.stride, layer.exchanged}, layer.outputs,
      Factor<T>{gradient, network.batch, columns, false}, [](int) { return T(0); },
      [=](int row, int column, T sum) {
        const int at = row * columns + column;
        if (slopes != nullptr) {
          sum *= slopes[at];
        } else if (values != nullptr) {
          sum *= activations::leaky_relu{}(values[at], slope).slope;
        }
        to[at] = sum;
      });
}

/// Calls use(row, sum) for each row of (rows, columns), `stride` apart, summed in the order of kernels/sum.h.
template <class T, class Use>
__device__ __forceinline__ void sum_rows(const T* from, Index rows, Index columns, Index stride, Use use) {
  const int end = static_cast<int>(columns), apart = static_cast<int>(stride);
  const int lane = thread_index() % sum_lanes;
  for (int first = 0; first < rows; first += vae_steps_threads / sum_lanes) {
    const int row = first + thread_index() / sum_lanes;
    double total = 0;
    for (int k = row < rows ? lane : end; k < end; k += sum_lanes) {
      total += static_cast<double>(from[row * apart + k]);
    }
    total = sum_by_halving<sum_lanes>(total);
    if (lane == 0 && row < rows) use(row, static_cast<T>(total));
  }
}

template <class T>
__device__ __forceinline__ void update(const VaeLayer<T>& layer, const AdamConstants<T>& adam,
                                       const VaeNetwork<T>& network, const T* gradient) {
  const Factor<T> by_outputs{gradient, layer.outputs, network.columns, true};
  const Factor<T> by_inputs{layer.from, layer.inputs, network.columns, true};
  T* const parameters = layer.parameters;
  T* const m = layer.first_moment;
  T* const v = layer.second_moment;
  const int stride = static_cast<int>(layer.stride), bias = static_cast<int>(layer.bias());
  multiply<true>(
      layer.exchanged ? by_inputs : by_outputs, network.batch, layer.exchanged ? by_outputs : by_inputs,
      [](int) { return T(0); },
      [=](int row, int column, T sum) {
        const int at = row * stride + column;
        adam_update(adam, sum, parameters[at], m[at], v[at]);
      });
  sum_rows(gradient, layer.outputs, network.batch, network.columns, [=](int row, T sum) {
    const int at = bias + row;
    adam_update(adam, sum, parameters[at], m[at], v[at]);
  });
}

/// Two arrays that take turns.
template <class T>
struct Gradients {
  T* now;
  T* next;
  __device__ __forceinline__ Gradients exchanged() const { return {next, now}; }
};

/// From the gradient by the output, in `gradients.now`, to that by the input, in the result's, if `with_input`.
template <class T>
__device__ __noinline__ Gradients<T> backward(const VaeNetwork<T>& network, const AdamConstants<T>& adam,
                                              bool with_input, Gradients<T> gradients) {
  const T slope = static_cast<T>(network.shape.slope);
  for (Index i = network.shape.layers - 1; i >= 0; --i) {
    const VaeLayer<T>& layer = network.layers[i];
    if (i > 0 || with_input) {
      const VaeLayer<T>* const below = i > 0 ? &network.layers[i - 1] : nullptr;
      gradient_of_input(layer, below, slope, network, gradients.now, gradients.next);
      __syncthreads();
    }
    if (network.trained) update(layer, adam, network, gradients.now);
    __syncthreads();
    gradients = gradients.exchanged();
  }
  return gradients;
}

}  // namespace elbow::kernels::cuda
