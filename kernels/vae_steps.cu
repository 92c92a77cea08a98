#include "kernels/vae_steps.h"

#include "kernels/vae_steps_known.cuh"
#include "kernels/vae_steps_model.cuh"

// One block makes all steps of a model without leaving its multiprocessor, and the hardware gives a multiprocessor whose block
// has ended the next one. Parameters and activations are in shared memory, Adam's moments and slopes of activations in global
// memory.
namespace elbow::kernels::cuda {

template <class Team, class Block, class T>
__device__ __forceinline__ void train_any(const VaeTrainings<T>& all) {
  ELBOW_SHARED(BlockModel<T>, model, 1);
  ELBOW_SHARED(AnyLayout<T>, layout, 1);
  model[0].fetch(all);
  __syncthreads();
  if (thread_index() == 0) layout[0].lay_out(model[0].steps);
  __syncthreads();
  train<Team, Block>(model[0].steps, layout[0], &model[0].outside);
}

template <class T>
__global__ void __launch_bounds__(vae_steps_threads, 1) vae_steps(VaeTrainings<T> all) {
  train_any<WholeBlock<Tiles::all_sizes>, WholeBlock<Tiles::all_sizes>>(all);
}

/// Each warp takes some samples from x to all gradients and waits for no other, until the weights' turn comes.
template <class T>
__global__ void __launch_bounds__(vae_steps_threads, 1) vae_steps_narrow(VaeTrainings<T> all) {
  train_any<OneWarp, WholeBlock<Tiles::two_by_two>>(all);
}

template <class T>
void run(const VaeTrainings<T>& a) {
  static_assert(sizeof(AnyLayout<T>) + sizeof(BlockModel<T>) + 64 <= vae_steps_own_memory);
  if (a.shapes == VaeShapes::fig2 || a.shapes == VaeShapes::moebius) {
    run_known(a);
  } else {
    launch("vae_steps", a.shapes == VaeShapes::narrow ? vae_steps_narrow<T> : vae_steps<T>,
           {a.count, vae_steps_threads, a.block_memory - vae_steps_own_memory}, a);
  }
}

template void run(const VaeTrainings<float>&);

}  // namespace elbow::kernels::cuda
