#pragma once
// A multi-layer perceptron in forward mode: its value and d tangents, all layers at once. With x_0 = input and t_0 = tangents,
//   a_i = x_i W_iᵀ + b_i,   x_{i+1} = f(a_i),   t_{i+1}[k] = (t_i[k] W_iᵀ) f'(a_i)
// for each layer i and direction k, without f and f' after the last layer. Overwrites output and output_tangents.
//
// Order: an element of x_i W_iᵀ + b_i starts with its bias, one of t_i[k] W_iᵀ with 0, and the terms are added as
// kernels/matmul.h says, large products on CUDA by cuBLAS. f' multiplies what is rounded to T. So the results are those of
// one kernel after another, to the bit.
#include <algorithm>

#include "kernels/activations.h"
#include "kernels/types.h"

namespace elbow::kernels {

inline constexpr Index dual_mlp_most_layers = 16;
inline constexpr Index dual_mlp_tile = 16;  ///< samples that the CPU takes through all layers at a time

template <class T>
struct DualMlp {
  Index batch;
  Index directions;  ///< d >= 0
  Index layers;      ///< 1 to dual_mlp_most_layers
  Index widths[dual_mlp_most_layers + 1];
  const T* weights[dual_mlp_most_layers];  ///< weights[i]: (widths[i + 1], widths[i])
  const T* biases[dual_mlp_most_layers];   ///< biases[i]: (widths[i + 1])
  Activation activation;
  double slope;        ///< of the leaky ReLUs for negative x
  const T* input;      ///< (batch, widths[0])
  const T* tangents;   ///< (d, batch, widths[0])
  T* output;           ///< (batch, widths[layers])
  T* output_tangents;  ///< (d, batch, widths[layers])
  T* workspace;        ///< dual_mlp_workspace() elements, aligned to 64 bytes
};

/// Twice the largest layer of the whole batch, or of a tile if that is more.
template <class T>
Index dual_mlp_workspace(const DualMlp<T>& a) {
  const Index widest = *std::max_element(a.widths, a.widths + a.layers + 1);
  return 2 * (1 + a.directions) * widest * std::max(a.batch, dual_mlp_tile);
}

namespace cpu {
template <class T>
void run(const DualMlp<T>&);  // float, double
}
namespace cuda {
template <class T>
void run(const DualMlp<T>&);  // float, double
}

}  // namespace elbow::kernels
