#pragma once
// A back end: memory, and one entry per kernel. The CPU's is linked in; CUDA's is a module loaded at run
// time.
//
// A kernel is a struct of its arguments (its contract), with a twin `run` in cpu:: and in cuda::. To add one,
// write its header, its .cpp and its .cu, and name it in `Kernels` below.
#include <cstddef>

#include "kernels/adam.h"
#include "kernels/binary.h"
#include "kernels/c_ima.h"
#include "kernels/convolution.h"
#include "kernels/copy.h"
#include "kernels/dual_mlp.h"
#include "kernels/elbo_latent.h"
#include "kernels/elbo_reconstruction.h"
#include "kernels/gather.h"
#include "kernels/matmul.h"
#include "kernels/pixels.h"
#include "kernels/random.h"
#include "kernels/slogdet.h"
#include "kernels/sum.h"
#include "kernels/unary.h"
#include "kernels/vae_steps.h"

namespace elbow::kernels {

template <class Arguments>
struct Entry {
  void (*run)(const Arguments&) = nullptr;  ///< null: this back end has no such kernel
};

template <class... Arguments>
struct Table : Entry<Arguments>... {
  template <class A>
  auto entry() const {
    return static_cast<const Entry<A>&>(*this).run;
  }
  /// Fills each entry with `choose.template operator()<Arguments>()`.
  template <class Choose>
  static Table filled_by(Choose choose) {
    return Table{Entry<Arguments>{choose.template operator()<Arguments>()}...};
  }
};

using Kernels = Table<Unary<float>, Unary<double>, Unary<Complex>,                    //
                      Binary<float>, Binary<double>, Binary<Complex>,                 //
                      Copy<float>, Copy<double>, Copy<Complex>,                       //
                      Sum<float>, Sum<double>, Sum<Complex>,                          //
                      Matmul<float>, Matmul<double>, Matmul<Complex>,                 //
                      Slogdet<float>, Slogdet<double>, Slogdet<Complex>,              //
                      CIma<float>, CIma<double>,                                      //
                      DualMlp<float>, DualMlp<double>,                                //
                      Convolution<float>, Convolution<double>, Convolution<Complex>,  //
                      TransposedConvolution<float>, TransposedConvolution<double>,
                      TransposedConvolution<Complex>, ConvolutionWeight<float>, ConvolutionWeight<double>,
                      ConvolutionWeight<Complex>, Random<float>, Random<double>,                //
                      Gather<float>, Gather<double>, Gather<std::uint8_t>,                      //
                      ElboLatent<float>, ElboLatent<double>,                                    //
                      ElboLatentBackward<float>, ElboLatentBackward<double>,                    //
                      ElboReconstruction<float>, ElboReconstruction<double>,                    //
                      ElboReconstructionBackward<float>, ElboReconstructionBackward<double>,    //
                      Pixels<float>, Pixels<double>,                                            //
                      PixelReconstruction<float>, PixelReconstruction<double>,                  //
                      PixelReconstructionBackward<float>, PixelReconstructionBackward<double>,  //
                      Adam<float>, Adam<double>,                                                //
                      VaeTrainings<float>>;

/// What a profiler attached to the program is told. Null where there is none to tell.
struct Profiling {
  void (*begin_range)(const char* name) = nullptr;  ///< names this thread's time until end_range(); they nest
  void (*end_range)() = nullptr;
  void (*start_capture)() = nullptr;  ///< recording begins, once this thread's kernels are done
  void (*stop_capture)() = nullptr;   ///< recording ends, once this thread's kernels are done
};

struct Backend {
  const char* name;                      ///< "cpu" or "cuda"
  const char* description;               ///< e.g. the GPU's name
  void* (*allocate)(std::size_t bytes);  ///< 64-byte aligned, uninitialised; throws
  void (*release)(void*);                ///< accepts null, never throws
  void (*copy_from_host)(void* to, const void* from,
                         std::size_t bytes);                            ///< returns when `from` may be reused
  void (*copy_to_host)(void* to, const void* from, std::size_t bytes);  ///< returns when `to` holds the data
  void (*copy_on_device)(void* to, const void* from, std::size_t bytes);  ///< in order with the kernels
  Kernels kernels;
  Profiling profiling = {};
  std::size_t block_memory = 0;  ///< bytes that the threads of a block can share; 0 where there are no blocks
  bool reuses_memory = true;     ///< false: the engine keeps no free blocks, so that tools see every misuse
};

namespace cpu {
const Backend& backend();
}

/// What a module that is loaded at run time exports: the back end, or null with one sentence in `*reason` saying
/// why this machine cannot run it. `reason` points to static memory.
using EntryPoint = const Backend*(const char** reason);

}  // namespace elbow::kernels
