#pragma once
// The functions of cuDNN, found at run time.
#include <cudnn.h>

/// Every function that is called.
#define ELBOW_DNN_FUNCTIONS(use)                                                                             \
  use(cudnnGetErrorString) use(cudnnCreate) use(cudnnDestroy) use(cudnnSetStream)                            \
      use(cudnnCreateTensorDescriptor) use(cudnnDestroyTensorDescriptor) use(cudnnSetTensor4dDescriptor)     \
          use(cudnnCreateFilterDescriptor) use(cudnnDestroyFilterDescriptor) use(cudnnSetFilter4dDescriptor) \
              use(cudnnCreateConvolutionDescriptor) use(cudnnDestroyConvolutionDescriptor)                   \
                  use(cudnnSetConvolution2dDescriptor) use(cudnnSetConvolutionMathType)                      \
                      use(cudnnGetConvolutionForwardWorkspaceSize) use(cudnnConvolutionForward)              \
                          use(cudnnGetConvolutionBackwardDataWorkspaceSize)                                  \
                              use(cudnnConvolutionBackwardData)                                              \
                                  use(cudnnGetConvolutionBackwardFilterWorkspaceSize)                        \
                                      use(cudnnConvolutionBackwardFilter)

namespace elbow::kernels::cuda {

/// A pointer to each, of its name.
struct DnnFunctions {
#define ELBOW_DNN_POINTER(name) decltype(&::name) name;
  ELBOW_DNN_FUNCTIONS(ELBOW_DNN_POINTER)
#undef ELBOW_DNN_POINTER
};

/// Null where cuDNN is not installed. Defined in kernels/dnn_functions.cu, and for the executor of the tests by what stands in
/// for cuDNN.
const DnnFunctions* dnn_functions();

}  // namespace elbow::kernels::cuda
