#include "kernels/dual_mlp.h"

#include "kernels/copy.h"
#include "kernels/launch.cuh"
#include "kernels/matmul.h"

// Layer after layer for the whole batch: products are kernels/matmul.cu's, and the kernel here is what comes after them.
namespace elbow::kernels::cuda {

/// value[i] = f(value[i]) and tangents[k * size + i] *= f'(value[i]), i in [0, size), k in [0, directions).
template <class T, class Function>
__global__ void dual_mlp(Function function, T parameter, Index size, Index directions, T* value,
                         T* tangents) {
  for (Index i = global_index(); i < size; i += global_threads()) {
    const ValueAndSlope<T> found = function(value[i], parameter);
    value[i] = found.value;
    for (Index k = 0; k < directions; ++k) tangents[k * size + i] *= found.slope;
  }
}

/// Value and tangents of the layer before or after.
template <class T>
struct Planes {
  T* value;
  T* tangents;
};

template <class T>
void multiply(const DualMlp<T>& a, Index layer, const Planes<const T>& from, const Planes<T>& to) {
  const Index inputs = a.widths[layer], outputs = a.widths[layer + 1];
  const MatrixView<T> weight{a.weights[layer], 0, 1, inputs};
  run(Copy<T>{
      {1, 1, 1, a.batch, outputs}, {0, 0, 0, 0, 1}, {0, 0, 0, outputs, 1}, a.biases[layer], to.value});
  run(Matmul<T>{1, a.batch, inputs, outputs, {from.value, 0, inputs, 1}, weight, to.value, true});
  run(Matmul<T>{
      1, a.directions * a.batch, inputs, outputs, {from.tangents, 0, inputs, 1}, weight, to.tangents, false});
}

template <class T>
void run(const DualMlp<T>& a) {
  const Index half = dual_mlp_workspace(a) / 2;
  Planes<const T> from{a.input, a.tangents};
  for (Index i = 0; i < a.layers; ++i) {
    const Index size = a.batch * a.widths[i + 1];
    T* const own = a.workspace + i % 2 * half;
    const bool last = i + 1 == a.layers;
    const Planes<T> to = last ? Planes<T>{a.output, a.output_tangents} : Planes<T>{own, own + size};
    multiply(a, i, from, to);
    if (last) return;
    with_activation(a.activation, [&](auto function) {
      launch("dual_mlp", dual_mlp<T, decltype(function)>, per_element(size), function,
             static_cast<T>(a.slope), size, a.directions, to.value, to.tangents);
    });
    from = {to.value, to.tangents};
  }
}

template void run(const DualMlp<float>&);
template void run(const DualMlp<double>&);

}  // namespace elbow::kernels::cuda
