#include "kernels/vae_steps.h"

#include "kernels/launch.cuh"
#include "kernels/vae_steps_model.cuh"

// One block makes all steps of a model without leaving its multiprocessor, and the hardware gives a multiprocessor whose block
// has ended the next one. Parameters and activations are in shared memory, Adam's moments and slopes of activations in global
// memory.
namespace elbow::kernels::cuda {

/// The block's model, with all that it shares but its arrays. `layout` is where that is if the compiler does not know.
template <class Team, class Block, class T, class Layout>
__device__ __forceinline__ void train(const VaeSteps<T>& a, const Layout& l, int* outside) {
  const auto load = [](const T& flat, T& own) { own = flat; };
  for_all_trained(a, l, load);
  if (a.given_decoder != nullptr) {
    for_elements<T>(l.decoder, [](const VaeLayer<BlockMemory<T>>& layer) { return layer.parameters; },
                    a.given_decoder, load);
  }
  if (thread_index() == 0) l.one[0] = T(1);
  const VaeModel<Team, Block, T, Layout> model(a, l, outside);
  const Index done = model.make_steps();
  if (thread_index() == 0) a.done[0] = static_cast<double>(done);
  if (done == a.steps && a.validation.samples > 0) model.validate();
  for_all_trained(a, l, [](T& flat, const T& own) { flat = own; });
}

/// What a block shares but its arrays; the model's steps are there when all threads have waited.
template <class T>
struct BlockModel {
  VaeSteps<T> steps;
  int outside;
  __device__ __forceinline__ void fetch(const VaeTrainings<T>& all) {
    const auto* const from = reinterpret_cast<const unsigned char*>(all.each + block_index());
    for_own(sizeof(VaeSteps<T>), [&](int i) { reinterpret_cast<unsigned char*>(&steps)[i] = from[i]; });
    if (thread_index() == 0) outside = 0;
  }
};

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
__global__ void __launch_bounds__(vae_steps_threads, 2) vae_steps_narrow(VaeTrainings<T> all) {
  train_any<OneWarp, WholeBlock<Tiles::two_by_two>>(all);
}

template <class T>
void run(const VaeTrainings<T>& a) {
  static_assert(sizeof(AnyLayout<T>) + sizeof(BlockModel<T>) + 64 <= vae_steps_own_memory);
  launch("vae_steps", a.narrow ? vae_steps_narrow<T> : vae_steps<T>,
         {a.count, vae_steps_threads, a.block_memory - vae_steps_own_memory}, a);
}

template void run(const VaeTrainings<float>&);

}  // namespace elbow::kernels::cuda
