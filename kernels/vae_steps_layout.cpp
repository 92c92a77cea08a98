#include "kernels/vae_steps_layout.h"

#include <algorithm>

namespace elbow::kernels {

template <class T>
Index vae_steps_workspace(const VaeSteps<T>& a) {
  const VaeStepsSizes<T> on_cpu(a, whole_vectors()), on_cuda(a, apart_in_banks());
  return std::max(on_cpu.near + on_cpu.far, on_cuda.far);
}
template Index vae_steps_workspace(const VaeSteps<float>&);

template <class T>
std::size_t vae_steps_block_memory(const VaeSteps<T>& a) {
  const VaeStepsSizes<T> sizes(a, apart_in_banks());
  return static_cast<std::size_t>(sizes.near) * sizeof(T) + vae_steps_own_memory;
}
template std::size_t vae_steps_block_memory(const VaeSteps<float>&);

namespace {

bool same(const MlpShape& a, const MlpShape& b) {
  return a.layers == b.layers && std::equal(a.widths, a.widths + a.layers + 1, b.widths);
}

template <class Known, class T>
bool has(const VaeSteps<T>& a) {
  const VaeSteps<T> known = Known::steps();
  return same(a.encoder, known.encoder) && same(a.decoder, known.decoder) && a.conditioner.layers == 0 &&
         a.given_decoder == nullptr && a.batch == known.batch;
}

}  // namespace

template <class T>
VaeShapes vae_shapes(const VaeSteps<T>& a) {
  if (has<Fig2Shapes>(a)) return VaeShapes::fig2;
  if (has<MoebiusShapes>(a)) return VaeShapes::moebius;
  return is_narrow(a) ? VaeShapes::narrow : VaeShapes::any;
}
template VaeShapes vae_shapes(const VaeSteps<float>&);

VaeShapes in_common(VaeShapes a, VaeShapes b) {
  if (a == b) return a;
  const auto narrow = [](VaeShapes s) { return s == VaeShapes::narrow || s == VaeShapes::moebius; };
  return narrow(a) && narrow(b) ? VaeShapes::narrow : VaeShapes::any;
}

}  // namespace elbow::kernels
