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

/// An array in shared memory, by its offset from the start: the compiler knows then what it fetches from.
template <class T>
struct Near {
  __device__ __forceinline__ explicit Near(const T* data) {
    ELBOW_DYNAMIC_SHARED(const T, shared);
    offset = static_cast<int>(data - shared);
  }
  __device__ __forceinline__ T& operator[](int i) const {
    ELBOW_DYNAMIC_SHARED(T, shared);
    return shared[offset + i];
  }
  int offset;
};

/// Neighbouring numbers that are fetched or stored at once.
template <class T, int length>
struct alignas(length * sizeof(T)) Numbers {
  T value[length];
  __device__ __forceinline__ static Numbers& at(T& first) { return reinterpret_cast<Numbers&>(first); }
};

/// A factor of a product: the rows of the left one, the columns of the right one, are its lines.
template <class T>
struct Factor {
  __device__ __forceinline__ Factor(const T* data, Index lines_, Index stride_, bool by_depth_)
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

/// work.end(rows, columns, sum) for each tile of the product, with sum = work.start(r) of row r and then, for k ascending,
/// sum = fma(left[r, k], right[k, c], sum), the order of kernels/matmul.h. A thread has own x own elements, a warp 4 x 8
/// threads: then what they fetch lies in different banks.
template <int own, bool left_by_depth, bool right_by_depth, class T, class Work>
__device__ __forceinline__ void multiply_tiles(const Factor<T>& left, int depth, const Factor<T>& right,
                                               const Work& work) {
  constexpr int down = 4, across = 8;
  const int row_groups = (left.lines + own - 1) / own, column_groups = (right.lines + own - 1) / own;
  const int column_warps = (column_groups + across - 1) / across;
  const int warps = (row_groups + down - 1) / down * column_warps;
  const int lane = thread_index() % 32;
#pragma unroll 1
  for (int warp = thread_index() / 32; warp < warps; warp += vae_steps_threads / 32) {
    const int row_group = warp / column_warps * down + lane / across;
    const int column_group = warp % column_warps * across + lane % across;
    if (row_group >= row_groups || column_group >= column_groups) continue;
    const Lines<own, left_by_depth, T> rows(left, row_group, row_groups);
    const Lines<own, right_by_depth, T> columns(right, column_group, column_groups);
    T sum[own][own];
#pragma unroll
    for (int i = 0; i < own; ++i) {
      const T first = rows.exists(i) ? work.start(rows.index(i)) : T(0);
#pragma unroll
      for (int j = 0; j < own; ++j) sum[i][j] = first;
    }
    int k = 0;
#pragma unroll(own == 1 ? 4 : 2)
    for (; k + vae_steps_vector <= depth; k += vae_steps_vector) {
      T a[vae_steps_vector][own], b[vae_steps_vector][own];
      rows.fetch(k, a);
      columns.fetch(k, b);
#pragma unroll
      for (int step = 0; step < vae_steps_vector; ++step) {
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
        for (int j = 0; j < own; ++j) sum[i][j] = math::fma(rows.at(k, i), columns.at(k, j), sum[i][j]);
      }
    }
    work.end(rows, columns, sum);
  }
}

/// Small products leave most threads idle in tiles of 4 x 4.
template <bool right_by_depth, class T, class Work>
__device__ __forceinline__ void multiply(const Factor<T>& left, Index whole_depth, const Factor<T>& right,
                                         const Work& work) {
  const int depth = static_cast<int>(whole_depth);
  const bool small = left.lines * right.lines <= 4 * vae_steps_threads;
  if (left.by_depth) {
    if (small) {
      multiply_tiles<1, true, right_by_depth>(left, depth, right, work);
    } else {
      multiply_tiles<4, true, right_by_depth>(left, depth, right, work);
    }
  } else if (small) {
    multiply_tiles<1, false, right_by_depth>(left, depth, right, work);
  } else {
    multiply_tiles<4, false, right_by_depth>(left, depth, right, work);
  }
}

/// What the work on a tile of (features, samples) has of its row i: neighbouring columns, the last of which may be in a row's
/// padding.
template <int own, class T, class Rows, class Columns>
__device__ __forceinline__ Numbers<T, own>& tile_row(const Near<T>& array, int stride, const Rows& rows,
                                                     const Columns& columns, int i) {
  return Numbers<T, own>::at(array[rows.index(i) * stride + columns.index(0)]);
}

/// A layer's output.
template <class T>
struct ForwardWork {
  __device__ __forceinline__ T start(int row) const { return bias[row]; }

  template <int own, class Rows, class Columns>
  __device__ __forceinline__ void end(const Rows& rows, const Columns& columns, T (&sum)[own][own]) const {
#pragma unroll
    for (int i = 0; i < own; ++i) {
      Numbers<T, own> row;
#pragma unroll
      for (int j = 0; j < own; ++j) {
        row.value[j] = leaky ? activations::leaky_relu{}(sum[i][j], slope).value : sum[i][j];
      }
      if (rows.exists(i)) tile_row<own>(to, stride, rows, columns, i) = row;
    }
  }

  Near<T> bias, to;
  int stride;
  bool leaky;  ///< whose activation is at hand
  T slope;
};

template <class T>
__device__ __noinline__ void forward(const VaeNetwork<T>& network) {
  const MlpShape& shape = network.shape;
  const T slope = static_cast<T>(shape.slope);
  for (Index i = 0; i < shape.layers; ++i) {
    const VaeLayer<T>& layer = network.layers[i];
    const bool activated = i + 1 < shape.layers;
    const bool at_once = activated && value_tells_slope(shape.activation);
    const int columns = static_cast<int>(network.columns);
    T* const to = layer.to;
    const ForwardWork<T> work{Near<T>(layer.parameters + layer.bias()), Near<T>(to), columns, at_once, slope};
    multiply<false>(Factor<T>{layer.parameters, layer.outputs, layer.stride, !layer.exchanged}, layer.inputs,
                    Factor<T>{layer.from, network.batch, columns, false}, work);
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

/// The gradient by a layer's input, before the activation that the layer below ends with.
template <class T>
struct InputGradientWork {
  __device__ __forceinline__ T start(int) const { return T(0); }

  template <int own, class Rows, class Columns>
  __device__ __forceinline__ void end(const Rows& rows, const Columns& columns, T (&sum)[own][own]) const {
    Numbers<T, own> told[own] = {};
#pragma unroll
    for (int i = 0; i < own; ++i) {
      if (!rows.exists(i)) continue;
      if (slopes != nullptr) {
        told[i] = Numbers<T, own>::at(slopes[rows.index(i) * stride + columns.index(0)]);
      } else if (leaky) {
        told[i] = tile_row<own>(values, stride, rows, columns, i);
      }
    }
#pragma unroll
    for (int i = 0; i < own; ++i) {
      if (!rows.exists(i)) continue;
      Numbers<T, own> row;
#pragma unroll
      for (int j = 0; j < own; ++j) {
        row.value[j] = sum[i][j];
        if (slopes != nullptr) {
          row.value[j] *= told[i].value[j];
        } else if (leaky) {
          row.value[j] *= activations::leaky_relu{}(told[i].value[j], slope).slope;
        }
      }
      tile_row<own>(to, stride, rows, columns, i) = row;
    }
  }

  T* slopes;       ///< of the activation; null if there is none, or its values tell
  bool leaky;      ///< they do
  Near<T> values;  ///< the layer's input
  Near<T> to;
  int stride;
  T slope;
};

/// `below`: null if there is none.
template <class T>
__device__ __forceinline__ void gradient_of_input(const VaeLayer<T>& layer, const VaeLayer<T>* below, T slope,
                                                  const VaeNetwork<T>& network, const T* gradient, T* to) {
  const int columns = static_cast<int>(network.columns);
  T* const slopes = below == nullptr ? nullptr : below->slope;
  const bool leaky = below != nullptr && slopes == nullptr;
  multiply<false>(Factor<T>{layer.parameters, layer.inputs, layer.stride, layer.exchanged}, layer.outputs,
                  Factor<T>{gradient, network.batch, columns, false},
                  InputGradientWork<T>{slopes, leaky, Near<T>(layer.from), Near<T>(to), columns, slope});
}

/// Calls use(row, sum) for each row of (rows, columns), `stride` apart, summed in the order of kernels/sum.h. A group of lanes
/// sums several rows at a time, which do not wait for one another, and each row's sum is used by a lane of its own.
template <class T, class Use>
__device__ __forceinline__ void sum_rows(const T* from, Index rows, Index columns, Index stride, Use use) {
  constexpr int at_once = 4, groups = vae_steps_threads / sum_lanes;
  const int count = static_cast<int>(rows), end = static_cast<int>(columns), apart = static_cast<int>(stride);
  const int lane = thread_index() % sum_lanes, group = thread_index() / sum_lanes;
  const Near<T> numbers(from);
  for (int first = 0; first < count; first += at_once * groups) {
    double totals[at_once];
#pragma unroll
    for (double& total : totals) total = 0;
    for (int k = lane; k < end; k += sum_lanes) {
#pragma unroll
      for (int i = 0; i < at_once; ++i) {
        const int row = first + i * groups + group;
        if (row < count) totals[i] += static_cast<double>(numbers[row * apart + k]);
      }
    }
    double mine = 0;
#pragma unroll
    for (int i = 0; i < at_once; ++i) {
      const double total = __shfl_sync(0xffffffffu, sum_by_halving<sum_lanes>(totals[i]), 0, sum_lanes);
      mine = lane == i ? total : mine;
    }
    const int row = first + lane * groups + group;
    if (lane < at_once && row < count) use(row, static_cast<T>(mine));
  }
}

/// Adam's step on a weight. All is fetched before anything is stored, or the one would wait for the other.
template <class T>
struct UpdateWork {
  __device__ __forceinline__ T start(int) const { return T(0); }

  template <int own, class Rows, class Columns>
  __device__ __forceinline__ void end(const Rows& rows, const Columns& columns, T (&sum)[own][own]) const {
    T parameter[own][own], first[own][own], second[own][own];
    const auto for_each = [&](auto use) {
#pragma unroll
      for (int i = 0; i < own; ++i) {
#pragma unroll
        for (int j = 0; j < own; ++j) {
          if (rows.exists(i) && columns.exists(j)) use(i, j, rows.index(i) * stride + columns.index(j));
        }
      }
    };
    for_each([&](int i, int j, int at) {
      first[i][j] = m[at];
      second[i][j] = v[at];
      parameter[i][j] = parameters[at];
    });
    for_each([&](int i, int j, int at) {
      adam_update(adam, sum[i][j], parameter[i][j], first[i][j], second[i][j]);
      m[at] = first[i][j];
      v[at] = second[i][j];
      parameters[at] = parameter[i][j];
    });
  }

  AdamConstants<T> adam;
  Near<T> parameters;
  T* m;
  T* v;
  int stride;
};

template <class T>
__device__ __forceinline__ void update(const VaeLayer<T>& layer, const AdamConstants<T>& adam,
                                       const VaeNetwork<T>& network, const T* gradient) {
  const Factor<T> by_outputs{gradient, layer.outputs, network.columns, true};
  const Factor<T> by_inputs{layer.from, layer.inputs, network.columns, true};
  const UpdateWork<T> work{adam, Near<T>(layer.parameters), layer.first_moment, layer.second_moment,
                           static_cast<int>(layer.stride)};
  multiply<true>(layer.exchanged ? by_inputs : by_outputs, network.batch,
                 layer.exchanged ? by_outputs : by_inputs, work);
  const int bias = static_cast<int>(layer.bias());
  sum_rows(gradient, layer.outputs, network.batch, network.columns, [&](int row, T sum) {
    const int at = bias + row;
    adam_update(work.adam, sum, work.parameters[at], work.m[at], work.v[at]);
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
