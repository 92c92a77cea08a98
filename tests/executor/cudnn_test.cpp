// ctest labels: cuda
// Convolutions by way of cuDNN: against the CPU, which of them it is given, what it would refuse, and every call failing once.
#include <gtest/gtest.h>

#include <set>
#include <thread>

#include "kernels/convolution_dnn.cuh"
#include "kernels/dnn_functions.cuh"
#include "tests/convolved.h"
#include "tests/executor/cudnn.h"
#include "tests/executor/executor.h"

namespace elbow::test {
namespace {

using kernels::cuda::run_dnn;
using kernels::cuda::suits_dnn;

constexpr Made all_made[] = {Made::small, Made::large, Made::weight};

/// By cuDNN. `done` is what it says.
Tensor by_dnn(Made made, const ConvolutionShape& s, const ConvolutionOperands& o, Finish finish, bool& done) {
  return convolved<float>(made, s, o.on(Device::executor), finish,
                          [&done](const auto& arguments) { done = run_dnn(arguments); });
}

TEST(Cudnn, ComputesWhatTheCpuComputes) {
  for (const ConvolutionShape& s :
       {convolution_shape(3, 8, 7, 3, 7, 3, 1, 1), convolution_shape(3, 10, 12, 3, 7, 4, 2, 1),
        // Rows and columns that no place of the kernel reaches.
        convolution_shape(3, 13, 12, 3, 7, 5, 3, 0), convolution_shape(3, 16, 15, 5, 1, 3, 4, 1)}) {
    SCOPED_TRACE(s.kernel);
    const ConvolutionOperands operands(s);
    for (const Made made : all_made) {
      for (const Finish& finish : {Finish{}, Finish{true, false}, Finish{false, true}, Finish{true, true}}) {
        bool done = false;
        const auto found = by_dnn(made, s, operands, finish, done).to_vector<double>();
        ASSERT_TRUE(done);
        const auto expected = convolved_on<float>(Device::cpu, made, s, operands, finish).to_vector<double>();
        const std::vector<double> bounds = bounds_between_orders(made, s, operands, finish);
        for (std::size_t i = 0; i < found.size(); ++i) {
          ASSERT_NEAR(found[i], expected[i], bounds[i]) << static_cast<int>(made) << ", element " << i;
        }
      }
    }
  }
}

TEST(Cudnn, IsGivenLargeConvolutions) {
  const ConvolutionShape least = convolution_shape(2, 32, 32, 128, 128, 4, 2, 1);
  EXPECT_EQ(least.multiply_adds(), kernels::dnn_from);
  EXPECT_TRUE(suits_dnn(least));
  EXPECT_TRUE(suits_dnn(convolution_shape(2, 33, 32, 128, 128, 4, 2, 1))) << "a row is not reached";
  EXPECT_FALSE(suits_dnn(convolution_shape(2, 32, 32, 127, 128, 4, 2, 1)));
  for (const auto& [side, channels] : {std::pair<Index, Index>{64, 3}, {32, 32}, {16, 32}, {8, 32}}) {
    EXPECT_FALSE(suits_dnn(convolution_shape(16, side, side, channels, 32, 4, 2, 1))) << "Fig. 5";
  }
  for (Index ConvolutionShape::*const extent :
       {&ConvolutionShape::small_height, &ConvolutionShape::small_width}) {
    ConvolutionShape fewer = convolution_shape(4, 32, 32, 128, 128, 4, 2, 1);
    --(fewer.*extent);
    EXPECT_FALSE(suits_dnn(fewer)) << "pixels are left out";
  }
  EXPECT_TRUE(suits_dnn(convolution_shape(1, 1, 0x7fffffff, 1, 1, 1, 1, 0)));
  EXPECT_FALSE(suits_dnn(convolution_shape(1, 1, 0x80000000, 1, 1, 1, 1, 0))) << "more elements than an int";
  EXPECT_FALSE(suits_dnn(convolution_shape(1, 128, 128, 1, 131072, 1, 1, 0))) << "of the small image";
  EXPECT_FALSE(suits_dnn(convolution_shape(1, 1, 1, 65536, 32768, 1, 1, 0))) << "of the weight";
}

TEST(Cudnn, IsNotGivenDoubles) { EXPECT_FALSE(run_dnn(kernels::Convolution<double>{})); }

TEST(Cudnn, IsGivenTheWorkspaceThatThereIs) {
  // One image unfolded, as the executor's cuDNN wants it, is larger than all operands.
  const ConvolutionShape s = convolution_shape(1, 8, 8, 4, 1, 5, 1, 2);
  bool done = true;
  const auto weight = by_dnn(Made::weight, s, ConvolutionOperands(s), {}, done).to_vector<double>();
  EXPECT_FALSE(done);
  for (const double element : weight) EXPECT_TRUE(std::isnan(element)) << "nothing is done";
}

TEST(Cudnn, ErrorsNameTheCall) {
  ConvolutionShape s = convolution_shape(3, 8, 7, 3, 7, 3, 1, 1);
  --s.small_height;
  try {
    bool done = false;
    by_dnn(Made::small, s, ConvolutionOperands(s), {}, done);
    ADD_FAILURE() << "no error";
  } catch (const DeviceError& error) {
    EXPECT_EQ(std::string(error.what()),
              "[convolution] cudnnGetConvolutionForwardWorkspaceSize failed: CUDNN_STATUS_BAD_PARAM");
  }
}

/// Lets the nth call fail, and adds its name to `failed`. A thread of its own has to create its handle.
void fail_once(Made made, std::uint64_t nth, const ConvolutionShape& s, std::set<std::string>& failed) {
  const ConvolutionOperands operands(s);
  std::thread([&] {
    executor::fail_call(nth);
    std::string said;
    bool done = true;
    try {
      by_dnn(made, s, operands, {true, true}, done);
    } catch (const DeviceError& error) {
      said = error.what();
    }
    const std::string call = executor::failed_call();
    executor::fail_call(~std::uint64_t{0});
    failed.insert(call);
    if (call.ends_with("WorkspaceSize")) {
      EXPECT_EQ(said, "") << "what cuDNN does not know is no error";
      EXPECT_FALSE(done);
    } else if (call.starts_with("cudnn")) {
      EXPECT_TRUE(said.starts_with("[convolution] " + call + " failed: CUDNN_STATUS_")) << said;
    } else if (call != "cudaFree") {
      EXPECT_TRUE(said.starts_with("[")) << call << ": " << said;
    }
  }).join();
}

TEST(Cudnn, AnyCallMayFail) {
  backend(Device::executor);  // loaded before calls fail
  const ConvolutionShape s = convolution_shape(3, 8, 7, 3, 7, 3, 1, 1);
  const std::size_t objects = executor::live_dnn_objects();
  std::set<std::string> failed;
  const std::pair<Made, const char*> last_calls[] = {{Made::small, "cudnnConvolutionForward"},
                                                     {Made::large, "cudnnConvolutionBackwardData"},
                                                     {Made::weight, "cudnnConvolutionBackwardFilter"}};
  for (const auto& [made, last] : last_calls) {
    for (std::uint64_t nth = 0; failed.count(last) == 0; ++nth) {
      ASSERT_LT(nth, 100u);
      fail_once(made, nth, s, failed);
      EXPECT_EQ(executor::live_dnn_objects(), objects) << "call " << nth;
    }
  }
#define ELBOW_DNN_NAME(name) #name,
  for (const std::string call : {ELBOW_DNN_FUNCTIONS(ELBOW_DNN_NAME)}) {
#undef ELBOW_DNN_NAME
    const bool cannot_fail = call == "cudnnGetErrorString" || call.starts_with("cudnnDestroy");
    EXPECT_EQ(failed.count(call), cannot_fail ? 0u : 1u) << call;
  }
}

}  // namespace
}  // namespace elbow::test
