// ctest labels: cuda
// What cuDNN would refuse, one mistake at a time in a call that is right without it.
#include <gtest/gtest.h>

#include "engine/tensor.h"
#include "tests/executor/cudnn.h"
#include "tests/executor/executor.h"

namespace elbow::test {
namespace {

using executor::ExecutionError;

/// x (2, 5, 4, 3) convolved with w (2, 3, 3, 3), padding 1, is y (2, 3, 2, 2), every second row and column.
class Refusals : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(cudnnCreate(&handle), CUDNN_STATUS_SUCCESS);
    ASSERT_EQ(cudnnSetStream(handle, cudaStreamPerThread), CUDNN_STATUS_SUCCESS);
    ASSERT_EQ(cudnnCreateTensorDescriptor(&x), CUDNN_STATUS_SUCCESS);
    ASSERT_EQ(cudnnCreateTensorDescriptor(&y), CUDNN_STATUS_SUCCESS);
    ASSERT_EQ(cudnnCreateFilterDescriptor(&w), CUDNN_STATUS_SUCCESS);
    ASSERT_EQ(cudnnCreateConvolutionDescriptor(&by), CUDNN_STATUS_SUCCESS);
    ASSERT_EQ(set_x(), CUDNN_STATUS_SUCCESS);
    ASSERT_EQ(set_y(), CUDNN_STATUS_SUCCESS);
    ASSERT_EQ(set_w(), CUDNN_STATUS_SUCCESS);
    ASSERT_EQ(set_by(), CUDNN_STATUS_SUCCESS);
  }
  void TearDown() override {
    cudnnDestroyConvolutionDescriptor(by);
    cudnnDestroyFilterDescriptor(w);
    cudnnDestroyTensorDescriptor(y);
    cudnnDestroyTensorDescriptor(x);
    cudnnDestroy(handle);
  }

  cudnnStatus_t set_x(int channels = 3, cudnnTensorFormat_t format = CUDNN_TENSOR_NHWC,
                      cudnnDataType_t type = CUDNN_DATA_FLOAT) {
    return cudnnSetTensor4dDescriptor(x, format, type, 2, channels, 5, 4);
  }
  cudnnStatus_t set_y(int n = 2, int c = 2, int h = 3, int w = 2,
                      cudnnTensorFormat_t format = CUDNN_TENSOR_NHWC,
                      cudnnDataType_t type = CUDNN_DATA_FLOAT) {
    return cudnnSetTensor4dDescriptor(y, format, type, n, c, h, w);
  }
  cudnnStatus_t set_w(int height = 3, cudnnTensorFormat_t format = CUDNN_TENSOR_NHWC,
                      cudnnDataType_t type = CUDNN_DATA_FLOAT) {
    return cudnnSetFilter4dDescriptor(w, type, format, 2, 3, height, 3);
  }
  cudnnStatus_t set_by(int padding = 1, int stride = 2, int dilation = 1,
                       cudnnConvolutionMode_t mode = CUDNN_CROSS_CORRELATION,
                       cudnnDataType_t type = CUDNN_DATA_FLOAT, cudnnMathType_t math = CUDNN_FMA_MATH) {
    const cudnnStatus_t status =
        cudnnSetConvolution2dDescriptor(by, padding, padding, stride, stride, dilation, dilation, mode, type);
    return status == CUDNN_STATUS_SUCCESS ? cudnnSetConvolutionMathType(by, math) : status;
  }

  std::size_t wanted() {
    std::size_t bytes = 0;
    EXPECT_EQ(cudnnGetConvolutionBackwardDataWorkspaceSize(handle, w, y, by, x,
                                                           CUDNN_CONVOLUTION_BWD_DATA_ALGO_1, &bytes),
              CUDNN_STATUS_SUCCESS);
    return bytes;
  }
  cudnnStatus_t forward() {
    return cudnnConvolutionForward(handle, &one, x, x_data, w, w_data, by, forward_algorithm, nullptr, 0,
                                   &zero, y, y_data);
  }
  cudnnStatus_t backward_data() {
    return cudnnConvolutionBackwardData(handle, &one, w, w_data, y, y_data, by, data_algorithm, workspace,
                                        workspace_bytes, &zero, x, x_data);
  }
  cudnnStatus_t backward_filter() {
    std::size_t bytes = 0;
    const cudnnStatus_t status =
        cudnnGetConvolutionBackwardFilterWorkspaceSize(handle, x, y, by, w, filter_algorithm, &bytes);
    if (status != CUDNN_STATUS_SUCCESS) return status;
    return cudnnConvolutionBackwardFilter(handle, &one, x, x_data, y, y_data, by, filter_algorithm, workspace,
                                          bytes, &zero, w, w_data);
  }

  cudnnHandle_t handle = nullptr;
  cudnnTensorDescriptor_t x = nullptr, y = nullptr;
  cudnnFilterDescriptor_t w = nullptr;
  cudnnConvolutionDescriptor_t by = nullptr;
  cudnnConvolutionFwdAlgo_t forward_algorithm = CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM;
  cudnnConvolutionBwdDataAlgo_t data_algorithm = CUDNN_CONVOLUTION_BWD_DATA_ALGO_1;
  cudnnConvolutionBwdFilterAlgo_t filter_algorithm = CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1;
  float one = 1, zero = 0;

  Tensor x_memory = ones(120), y_memory = ones(24), w_memory = ones(54), workspace_memory = ones(256);
  float *x_data = x_memory.data<float>(), *y_data = y_memory.data<float>(), *w_data = w_memory.data<float>(),
        *workspace = workspace_memory.data<float>();
  std::size_t workspace_bytes = 96;  // as many as y

 private:
  static Tensor ones(Index count) { return Tensor::full({count}, DType::float32, 1, Device::executor); }
};

TEST_F(Refusals, NoneWithoutAMistake) {
  EXPECT_EQ(wanted(), workspace_bytes);
  ASSERT_EQ(forward(), CUDNN_STATUS_SUCCESS);
  EXPECT_EQ(y_memory.to_vector<double>()[0], 12) << "a corner: 2 x 2 pixels of 3 channels";
  EXPECT_EQ(y_memory.to_vector<double>()[4], 18) << "2 x 3 pixels at an edge";
  ASSERT_EQ(backward_data(), CUDNN_STATUS_SUCCESS);
  ASSERT_EQ(backward_filter(), CUDNN_STATUS_SUCCESS);
}

TEST_F(Refusals, ScaleAndKeepWhatTheyAreTold) {
  one = 2;
  zero = 0.5;
  ASSERT_EQ(forward(), CUDNN_STATUS_SUCCESS);
  EXPECT_EQ(y_memory.to_vector<double>()[0], 24.5);
}

TEST_F(Refusals, OfDescriptorsThatDoNotMeet) {
  const auto refused = [&](const char* what) {
    EXPECT_EQ(forward(), CUDNN_STATUS_BAD_PARAM) << what;
    EXPECT_EQ(backward_data(), CUDNN_STATUS_BAD_PARAM) << what;
    EXPECT_EQ(backward_filter(), CUDNN_STATUS_BAD_PARAM) << what;
  };
  set_x(4);
  refused("channels of x");
  set_x();
  for (const auto& [n, c, height, width] :
       {std::array<int, 4>{1, 2, 3, 2}, {2, 1, 3, 2}, {2, 2, 2, 2}, {2, 2, 3, 1}}) {
    set_y(n, c, height, width);
    refused("y");
  }
  set_y();
  set_w(9);
  refused("a filter larger than the image");
  set_w();
  cudnnFilterDescriptor_t set = w;
  ASSERT_EQ(cudnnCreateFilterDescriptor(&w), CUDNN_STATUS_SUCCESS);
  refused("a descriptor that was not set");
  cudnnDestroyFilterDescriptor(w);
  w = set;
}

TEST_F(Refusals, OfWhatHasNoPixels) {
  EXPECT_EQ(set_x(0), CUDNN_STATUS_BAD_PARAM);
  EXPECT_EQ(set_y(0), CUDNN_STATUS_BAD_PARAM);
  EXPECT_EQ(set_w(0), CUDNN_STATUS_BAD_PARAM);
  EXPECT_EQ(set_by(-1), CUDNN_STATUS_BAD_PARAM);
  EXPECT_EQ(set_by(1, 0), CUDNN_STATUS_BAD_PARAM);
  EXPECT_EQ(set_by(1, 2, 0), CUDNN_STATUS_BAD_PARAM);
}

TEST_F(Refusals, OfWhatIsNotDocumented) {
  const auto refused = [&](const char* what) {
    EXPECT_EQ(forward(), CUDNN_STATUS_NOT_SUPPORTED) << what;
    EXPECT_EQ(backward_data(), CUDNN_STATUS_NOT_SUPPORTED) << what;
    EXPECT_EQ(backward_filter(), CUDNN_STATUS_NOT_SUPPORTED) << what;
  };
  set_x(3, CUDNN_TENSOR_NCHW);
  refused("x with channels as planes");
  set_x(3, CUDNN_TENSOR_NHWC, CUDNN_DATA_DOUBLE);
  refused("x of doubles");
  set_x();
  set_y(2, 2, 3, 2, CUDNN_TENSOR_NCHW);
  refused("y with channels as planes");
  set_y();
  set_w(3, CUDNN_TENSOR_NCHW);
  refused("w with channels as planes");
  set_w();
  set_by(1, 2, 1, CUDNN_CONVOLUTION);
  refused("a mirrored filter");
  set_by(1, 2, 1, CUDNN_CROSS_CORRELATION, CUDNN_DATA_DOUBLE);
  refused("sums of doubles");
  set_by(2, 2, 2);
  refused("gaps in the filter");
}

TEST_F(Refusals, OfWhatIsNotTheSameInEveryCall) {
  data_algorithm = CUDNN_CONVOLUTION_BWD_DATA_ALGO_0;
  EXPECT_EQ(backward_data(), CUDNN_STATUS_NOT_SUPPORTED);
  filter_algorithm = CUDNN_CONVOLUTION_BWD_FILTER_ALGO_0;
  EXPECT_EQ(backward_filter(), CUDNN_STATUS_NOT_SUPPORTED);
  set_by(1, 2, 1, CUDNN_CROSS_CORRELATION, CUDNN_DATA_FLOAT, CUDNN_DEFAULT_MATH);
  EXPECT_THROW(forward(), ExecutionError) << "TF32";
}

TEST_F(Refusals, OfMemory) {
  workspace_bytes = 92;
  EXPECT_EQ(backward_data(), CUDNN_STATUS_BAD_PARAM) << "less than was asked for";
  workspace_bytes = 4 * 257;
  EXPECT_THROW(backward_data(), ExecutionError) << "beyond its memory";
  workspace_bytes = 96;
  workspace = x_data;
  EXPECT_THROW(backward_data(), ExecutionError) << "in the place of x";
  workspace = nullptr;
  EXPECT_THROW(backward_data(), ExecutionError) << "none";
  ++x_data;
  EXPECT_THROW(forward(), ExecutionError) << "x beyond its memory";
  x_data = nullptr;
  EXPECT_EQ(forward(), CUDNN_STATUS_BAD_PARAM) << "no x";
  x_data = x_memory.data<float>();
  y_data = x_data;
  EXPECT_THROW(forward(), ExecutionError) << "y in the place of x";
  float on_host[24];
  y_data = on_host;
  EXPECT_THROW(forward(), ExecutionError) << "y on the host";
}

TEST_F(Refusals, OfScalarsOnTheDevice) {
  EXPECT_THROW(cudnnConvolutionForward(handle, workspace, x, x_data, w, w_data, by, forward_algorithm,
                                       nullptr, 0, &zero, y, y_data),
               ExecutionError);
  EXPECT_EQ(cudnnConvolutionForward(handle, &one, x, x_data, w, w_data, by, forward_algorithm, nullptr, 0,
                                    nullptr, y, y_data),
            CUDNN_STATUS_BAD_PARAM);
}

TEST_F(Refusals, OfObjectsThatAreNotAlive) {
  cudnnHandle_t unset = nullptr;
  ASSERT_EQ(cudnnCreate(&unset), CUDNN_STATUS_SUCCESS);
  std::swap(handle, unset);
  EXPECT_THROW(forward(), ExecutionError) << "on another stream";
  EXPECT_EQ(cudnnDestroy(handle), CUDNN_STATUS_SUCCESS);
  EXPECT_THROW(forward(), ExecutionError) << "after its end";
  EXPECT_THROW(cudnnDestroy(handle), ExecutionError) << "twice";
  handle = unset;

  cudnnTensorDescriptor_t ended = nullptr;
  ASSERT_EQ(cudnnCreateTensorDescriptor(&ended), CUDNN_STATUS_SUCCESS);
  ASSERT_EQ(cudnnDestroyTensorDescriptor(ended), CUDNN_STATUS_SUCCESS);
  std::swap(x, ended);
  EXPECT_THROW(set_x(), ExecutionError);
  EXPECT_THROW(forward(), ExecutionError);
  EXPECT_THROW(wanted(), ExecutionError);
  std::swap(x, ended);
}

}  // namespace
}  // namespace elbow::test
