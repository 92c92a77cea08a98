#include "kernels/vae_steps_known.cuh"

#include "kernels/vae_steps_model.cuh"

namespace elbow::kernels::cuda {

template <class Shapes, class Team, class Block, class T>
__device__ __forceinline__ void train_known(const VaeTrainings<T>& all) {
  ELBOW_SHARED(BlockModel<T>, model, 1);
  constexpr KnownLayout<T, Shapes> layout;
  model[0].fetch(all);
  __syncthreads();
  train<Team, Block>(model[0].steps, layout, &model[0].outside);
}

template <class T>
__global__ void __launch_bounds__(vae_steps_threads, 1) vae_steps_fig2(VaeTrainings<T> all) {
  train_known<Fig2Shapes, WholeBlock<Tiles::all_sizes>, WholeBlock<Tiles::all_sizes>>(all);
}

/// By warps, as vae_steps_narrow of kernels/vae_steps.cu.
template <class T>
__global__ void __launch_bounds__(vae_steps_threads, 1) vae_steps_moebius(VaeTrainings<T> all) {
  train_known<MoebiusShapes, OneWarp, WholeBlock<Tiles::two_by_two>>(all);
}

template <class T>
void run_known(const VaeTrainings<T>& a) {
  launch("vae_steps_known", a.shapes == VaeShapes::fig2 ? vae_steps_fig2<T> : vae_steps_moebius<T>,
         {a.count, vae_steps_threads, a.block_memory - vae_steps_own_memory}, a);
}

template void run_known(const VaeTrainings<float>&);

}  // namespace elbow::kernels::cuda
