#pragma once
// Large convolutions by cuDNN.
#include "kernels/convolution.h"

namespace elbow::kernels::cuda {

#ifdef ELBOW_CUDNN

/// False where it is not installed.
bool has_dnn();

/// True if there is a cuDNN, the convolution is large enough, and the small image has all the pixels that the large one has
/// places for, as cuDNN wants it.
bool suits_dnn(const ConvolutionShape&);

/// Does what `run` does, but the order of summation is cuDNN's own, and so is what a weight that is not finite makes of an
/// image's border. False, with nothing done, if cuDNN says that it does not know this convolution, or wants more workspace than
/// there is. Preconditions: suits_dnn, but for the size; DnnWorkspace in `workspace`. Throws DeviceError naming the call
/// that failed.
bool run_dnn(const Convolution<float>&);
bool run_dnn(const TransposedConvolution<float>&);
bool run_dnn(const ConvolutionWeight<float>&);

/// Doubles cuDNN takes with an image's channels as planes alone.
template <template <class> class Contract>
bool run_dnn(const Contract<double>&) {
  return false;
}

/// What follows cuDNN's sums: image = rectified(image + bias). `bias` may be null.
void launch_convolution_finish(float* image, Index count, Index channels, const float* bias, bool relu);

#else  // the build had no headers of cuDNN

inline bool has_dnn() { return false; }
inline bool suits_dnn(const ConvolutionShape&) { return false; }
template <class Arguments>
bool run_dnn(const Arguments&) {
  return false;
}

#endif

}  // namespace elbow::kernels::cuda
