#pragma once
// The layers of a multi-layer perceptron, forward and backward with Adam, for kernels/vae_steps.cu.
#include "kernels/sum.h"
#include "kernels/vae_steps_products.cuh"

namespace elbow::kernels::cuda {

/// A layer's output.
template <class T>
struct ForwardWork {
  __device__ __forceinline__ T start(int row) const { return bias[row]; }

  template <class Tile, class Rows, class Columns>
  __device__ __forceinline__ int fetch(const Rows&, const Columns&) const {
    return 0;
  }

  template <class Tile, class Rows, class Columns>
  __device__ __forceinline__ void end(const Rows& rows, const Columns& columns,
                                      T (&sum)[Tile::rows][Tile::columns], int) const {
#pragma unroll
    for (int i = 0; i < Tile::rows; ++i) {
      Numbers<T, Tile::columns> row;
#pragma unroll
      for (int j = 0; j < Tile::columns; ++j) {
        row.value[j] = leaky ? activations::leaky_relu{}(sum[i][j], slope).value : sum[i][j];
      }
      if (rows.exists(i)) tile_row<Tile>(to[0], stride, rows, columns, i) = row;
    }
  }

  Near<T> bias, to;
  int stride;
  bool leaky;  ///< whose activation is at hand
  T slope;
};

/// The network's output, of the team's samples; `asked` has the activation. What follows the activations is in the workspace.
template <Index known_layers, class Team, class T>
__device__ __forceinline__ void forward(Team team, const MlpShape& asked,
                                        const VaeNetwork<BlockMemory<T>>& network, T* workspace) {
  const Index layers = known_layers > 0 ? known_layers : network.shape.layers;
  const T slope = static_cast<T>(asked.slope);
  const int columns = static_cast<int>(network.columns);
  const Samples own = Team::samples(network.batch);
  for_layers<known_layers>(layers, [&](Index i) ELBOW_INLINED {
    const VaeLayer<BlockMemory<T>>& layer = network.layers[i];
    const bool activated = i + 1 < layers;
    const bool at_once = activated && value_tells_slope(asked.activation);
    const Near<T> to = layer.to;
    const ForwardWork<T> work{layer.parameters + layer.bias(), to + own.first, columns, at_once, slope};
    multiply<false>(team, Factor<T>{layer.parameters, layer.outputs, layer.stride, !layer.exchanged},
                    layer.inputs, Factor<T>{layer.from + own.first, own.count, columns, false}, work);
    Team::wait();
    if (!activated || at_once) return;
    T* const slopes = layer.slope.in(workspace);
    with_activation(asked.activation, [&](auto function) {
      for_own_samples(team, layer.outputs, network.batch, columns, [=](int, int, int at) {
        const ValueAndSlope<T> found = function(to[at], slope);
        to[at] = found.value;
        slopes[at] = found.slope;
      });
    });
    Team::wait();
  });
}

/// The gradient by a layer's input, before the activation that the layer below ends with.
template <class T>
struct InputGradientWork {
  __device__ __forceinline__ T start(int) const { return T(0); }

  template <class Tile>
  struct Told {
    Numbers<T, Tile::columns> row[Tile::rows];
  };

  template <class Tile, class Rows, class Columns>
  __device__ __forceinline__ Told<Tile> fetch(const Rows& rows, const Columns& columns) const {
    Told<Tile> told = {};
#pragma unroll
    for (int i = 0; i < Tile::rows; ++i) {
      if (!rows.exists(i)) continue;
      if (slopes != nullptr) {
        told.row[i] = tile_row<Tile>(*slopes, stride, rows, columns, i);
      } else if (leaky) {
        told.row[i] = tile_row<Tile>(values[0], stride, rows, columns, i);
      }
    }
    return told;
  }

  template <class Tile, class Rows, class Columns>
  __device__ __forceinline__ void end(const Rows& rows, const Columns& columns,
                                      T (&sum)[Tile::rows][Tile::columns], const Told<Tile>& told) const {
#pragma unroll
    for (int i = 0; i < Tile::rows; ++i) {
      if (!rows.exists(i)) continue;
      Numbers<T, Tile::columns> row;
#pragma unroll
      for (int j = 0; j < Tile::columns; ++j) {
        row.value[j] = sum[i][j];
        if (slopes != nullptr) {
          row.value[j] *= told.row[i].value[j];
        } else if (leaky) {
          row.value[j] *= activations::leaky_relu{}(told.row[i].value[j], slope).slope;
        }
      }
      tile_row<Tile>(to[0], stride, rows, columns, i) = row;
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
template <class Team, class T>
__device__ __forceinline__ void gradient_of_input(Team& team, const VaeLayer<BlockMemory<T>>& layer,
                                                  const VaeLayer<BlockMemory<T>>* below,
                                                  const MlpShape& asked,
                                                  const VaeNetwork<BlockMemory<T>>& network, T* workspace,
                                                  Near<T> to) {
  const int columns = static_cast<int>(network.columns);
  const Samples own = Team::samples(network.batch);
  const bool leaky = value_tells_slope(asked.activation);
  T* const slopes = below == nullptr || leaky ? nullptr : below->slope.in(workspace) + own.first;
  const InputGradientWork<T> work{
      slopes,  below != nullptr && leaky,   layer.from + own.first, to + own.first,
      columns, static_cast<T>(asked.slope),
  };
  multiply<false>(team, Factor<T>{layer.parameters, layer.inputs, layer.stride, layer.exchanged},
                  layer.outputs, Factor<T>{layer.gradient + own.first, own.count, columns, false}, work);
}

/// Calls use(row, sum) for each row of (rows, columns), `stride` apart, summed in the order of kernels/sum.h. A group of lanes
/// sums several rows at a time, which do not wait for one another, and each row's sum is used by a lane of its own.
template <class Block, class T, class Use>
__device__ __forceinline__ void sum_rows(Block& block, Near<T> numbers, Index rows, Index columns,
                                         Index stride, const Use& use) {
  constexpr int at_once = 4, groups = 32 / sum_lanes;
  const int count = static_cast<int>(rows), end = static_cast<int>(columns), apart = static_cast<int>(stride);
  const int lane = thread_index() % sum_lanes, group = thread_index() % 32 / sum_lanes;
  block.share_out((count + at_once * groups - 1) / (at_once * groups), 1, [&](int warp, int) {
    const int first = warp * at_once * groups + group;
    double totals[at_once];
#pragma unroll
    for (double& total : totals) total = 0;
    for (int k = lane; k < end; k += sum_lanes) {
#pragma unroll
      for (int i = 0; i < at_once; ++i) {
        const int row = first + i * groups;
        if (row < count) totals[i] += static_cast<double>(numbers[row * apart + k]);
      }
    }
    double mine = 0;
#pragma unroll
    for (int i = 0; i < at_once; ++i) {
      const double total = __shfl_sync(0xffffffffu, sum_by_halving<sum_lanes>(totals[i]), 0, sum_lanes);
      mine = lane == i ? total : mine;
    }
    const int row = first + lane * groups;
    if (lane < at_once && row < count) use(row, static_cast<T>(mine));
  });
}

/// Adam's step on a weight.
template <class T>
struct UpdateWork {
  __device__ __forceinline__ T start(int) const { return T(0); }

  template <class Tile>
  struct Moments {
    T first[Tile::rows][Tile::columns], second[Tile::rows][Tile::columns];
  };

  /// Calls use(i, j, at) for each element of a tile that exists.
  template <class Tile, class Rows, class Columns, class Use>
  __device__ __forceinline__ void for_each(const Rows& rows, const Columns& columns, const Use& use) const {
#pragma unroll
    for (int i = 0; i < Tile::rows; ++i) {
#pragma unroll
      for (int j = 0; j < Tile::columns; ++j) {
        if (rows.exists(i) && columns.exists(j)) use(i, j, rows.index(i) * stride + columns.index(j));
      }
    }
  }

  /// Before anything is stored, or the one would wait for the other.
  template <class Tile, class Rows, class Columns>
  __device__ __forceinline__ Moments<Tile> fetch(const Rows& rows, const Columns& columns) const {
    Moments<Tile> moments = {};
    for_each<Tile>(rows, columns, [&](int i, int j, int at) {
      moments.first[i][j] = m[at];
      moments.second[i][j] = v[at];
    });
    return moments;
  }

  template <class Tile, class Rows, class Columns>
  __device__ __forceinline__ void end(const Rows& rows, const Columns& columns,
                                      T (&sum)[Tile::rows][Tile::columns], Moments<Tile> moments) const {
    for_each<Tile>(rows, columns, [&](int i, int j, int at) {
      adam_update(adam, sum[i][j], parameters[at], moments.first[i][j], moments.second[i][j]);
      m[at] = moments.first[i][j];
      v[at] = moments.second[i][j];
    });
  }

  AdamConstants<T> adam;
  Near<T> parameters;
  T* m;
  T* v;
  int stride;
};

/// The gradient of a layer's parameters, and Adam's step on them.
template <class Block, class T>
__device__ __forceinline__ void update(Block& block, const VaeLayer<BlockMemory<T>>& layer,
                                       const AdamConstants<T>& adam,
                                       const VaeNetwork<BlockMemory<T>>& network, T* workspace) {
  const Factor<T> by_outputs{layer.gradient, layer.outputs, network.columns, true};
  const Factor<T> by_inputs{layer.from, layer.inputs, network.columns, true};
  const UpdateWork<T> work{adam, layer.parameters, layer.first_moment.in(workspace),
                           layer.second_moment.in(workspace), static_cast<int>(layer.stride)};
  multiply<true>(block, layer.exchanged ? by_inputs : by_outputs, network.batch,
                 layer.exchanged ? by_outputs : by_inputs, work);
  const int bias = static_cast<int>(layer.bias());
  sum_rows(block, layer.gradient, layer.outputs, network.batch, network.columns, [&](int row, T sum) {
    const int at = bias + row;
    adam_update(work.adam, sum, work.parameters[at], work.m[at], work.v[at]);
  });
}

/// The gradients by what all activations are of, of the team's samples, from that by the output, and by the network's input into
/// `by_input` if it is wanted. A block changes each layer as soon as its weight is not needed any more.
template <Index known_layers, class Team, class T>
__device__ __forceinline__ void backward(Team team, const MlpShape& asked,
                                         const VaeNetwork<BlockMemory<T>>& network,
                                         const AdamConstants<T>& adam, T* workspace, bool with_input,
                                         Near<T> by_input) {
  const Index layers = known_layers > 0 ? known_layers : network.shape.layers;
  for_layers<known_layers>(layers, [&](Index above) ELBOW_INLINED {
    const Index i = layers - 1 - above;
    const VaeLayer<BlockMemory<T>>& layer = network.layers[i];
    const VaeLayer<BlockMemory<T>>* const below = i > 0 ? &network.layers[i - 1] : nullptr;
    if (i > 0 || with_input) {
      gradient_of_input(team, layer, below, asked, network, workspace, i > 0 ? below->gradient : by_input);
    }
    Team::wait();
    if constexpr (Team::is_block) {
      if (network.trained) update(team, layer, adam, network, workspace);
      Team::wait();
    }
  });
}

/// forward() and backward() of networks whose shapes are known when they run: functions of their own, as their code is long and
/// serves all layers of all networks.
template <class Team, class T>
__device__ __noinline__ void forward_any(Team team, const MlpShape& asked,
                                         const VaeNetwork<BlockMemory<T>>& network, T* workspace) {
  forward<0>(team, asked, network, workspace);
}
template <class Team, class T>
__device__ __noinline__ void backward_any(Team team, const MlpShape& asked,
                                          const VaeNetwork<BlockMemory<T>>& network,
                                          const AdamConstants<T>& adam, T* workspace, bool with_input,
                                          Near<T> by_input) {
  backward<0>(team, asked, network, adam, workspace, with_input, by_input);
}

/// Adam's step on all layers, whose gradients are there.
template <Index known_layers, class Block, class T>
__device__ __forceinline__ void update(Block& block, const VaeNetwork<BlockMemory<T>>& network,
                                       const AdamConstants<T>& adam, T* workspace) {
  if (!network.trained) return;
  for_layers<known_layers>(network.shape.layers, [&](Index i) ELBOW_INLINED {
    update(block, network.layers[i], adam, network, workspace);
  });
}

}  // namespace elbow::kernels::cuda
