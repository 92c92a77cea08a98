// ctest labels: cuda
// Convolutions that the devices leave to a library: within the bound for two orders of the same sums.
#include <gtest/gtest.h>

#include "tests/convolved.h"
#include "tests/on_device.h"

namespace elbow::test {
namespace {

class LargeConvolution : public OnDevice {};
ELBOW_ON_DEVICES(LargeConvolution, Device::executor, Device::cuda);

TEST_P(LargeConvolution, IsWithinTheBound) {
  // The second has rows and columns that no place of the kernel reaches.
  for (const ConvolutionShape& s :
       {convolution_shape(2, 32, 32, 128, 128, 4, 2, 1), convolution_shape(2, 64, 66, 96, 128, 5, 3, 0)}) {
    SCOPED_TRACE(s.kernel);
    ASSERT_GE(s.multiply_adds(), kernels::dnn_from);
    const ConvolutionOperands operands(s);
    for (const Made made : {Made::small, Made::large, Made::weight}) {
      const Finish finish{true, true};
      const auto expected = convolved_on<float>(Device::cpu, made, s, operands, finish).to_vector<double>();
      const auto found = convolved_on<float>(GetParam(), made, s, operands, finish).to_vector<double>();
      const std::vector<double> bounds = bounds_between_orders(made, s, operands, finish);
      for (std::size_t i = 0; i < found.size(); ++i) {
        ASSERT_NEAR(found[i], expected[i], bounds[i]) << static_cast<int>(made) << ", element " << i;
      }
    }
  }
}

}  // namespace
}  // namespace elbow::test
