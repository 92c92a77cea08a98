#include "kernels/convolution_dnn.cuh"
#include "kernels/convolution_formulas.h"
#include "kernels/launch.cuh"

namespace elbow::kernels::cuda {

__global__ void convolution_finish(float* image, Index count, Index channels, const float* bias, bool relu) {
  for (Index i = global_index(); i < count; i += global_threads()) {
    image[i] = rectified(image[i] + (bias ? bias[i % channels] : 0.0f), relu);
  }
}

void launch_convolution_finish(float* image, Index count, Index channels, const float* bias, bool relu) {
  launch("convolution_finish", convolution_finish, per_element(count), image, count, channels, bias, relu);
}

}  // namespace elbow::kernels::cuda
