// ctest labels: cuda
// Large matrix products by way of cuBLAS: every layout and batch against the CPU, what cuBLAS would refuse, and
// every call failing once.
#include <cublas_v2.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <thread>

#include "engine/device.h"
#include "engine/random.h"
#include "kernels/matmul.h"
#include "tests/evaluate.h"
#include "tests/executor/executor.h"

namespace elbow::test {
namespace {

using kernels::Matmul;
using kernels::MatrixView;

struct Product {
  Index batch, rows, depth, columns;
  bool left_transposed, right_transposed, shares_right, accumulate;
};

// Each of 2^27 multiply-adds or a little more: the least that goes to cuBLAS.
const Product products[] = {
    {1, 33, 128073, 32, false, false, false, false},
    {1, 512, 513, 512, true, false, false, true},
    {3, 257, 1025, 171, false, true, true, false},
    {2, 31, 65, 33557, true, true, false, true},
};

template <class T>
MatrixView<T> view(const Tensor& data, Index rows, Index columns, bool transposed, bool shared) {
  const Index batch_stride = shared ? 0 : rows * columns;
  if (transposed) return {data.data<T>(), batch_stride, 1, rows};
  return {data.data<T>(), batch_stride, columns, 1};
}

template <class T>
Tensor product_on(Device device, const Product& p, const Tensor& left, const Tensor& right,
                  const Tensor& start) {
  const Tensor l = left.to(device), r = right.to(device);
  Tensor output(start.shape(), start.dtype(), device);
  output.assign(start);
  backend(device).kernels.entry<Matmul<T>>()(
      {p.batch, p.rows, p.depth, p.columns, view<T>(l, p.rows, p.depth, p.left_transposed, false),
       view<T>(r, p.depth, p.columns, p.right_transposed, p.shares_right), output.data<T>(), p.accumulate});
  return output;
}

template <class T>
void expect_product(const Product& p) {
  const DType dtype = std::is_same_v<T, float> ? DType::float32 : DType::float64;
  SCOPED_TRACE(fmt::format("{} {}x{}x{}x{}", name(dtype), p.batch, p.rows, p.depth, p.columns));
  const Tensor left = uniform({1, Stream::test}, -1, 1, p.batch * p.rows, p.depth, dtype);
  const Tensor right = uniform({2, Stream::test}, -1, 1, p.batch * p.depth, p.columns, dtype);
  const Tensor start = uniform({3, Stream::test}, -1, 1, p.batch * p.rows, p.columns, dtype);
  const Tensor cpu = product_on<T>(Device::cpu, p, left, right, start);
  const Tensor executed = product_on<T>(Device::executor, p, left, right, start);
  const std::vector<double> expected = cpu.to_vector<double>(), found = executed.to_vector<double>();
  // The CPU rounds `depth` times, at most by eps/2 of a sum that stays below 5 standard deviations (1/3 each) of its
  // last value; roundings add up like a random walk.
  const double depth = static_cast<double>(p.depth);
  const double limit = 5 * epsilon(dtype) / 2 * std::sqrt(depth) * 5 * std::sqrt(depth) / 3;
  for (std::size_t i = 0; i < found.size(); ++i) {
    ASSERT_NEAR(found[i], expected[i], limit) << "element " << i;
  }
}

TEST(Cublas, ComputesWhatTheCpuComputes) {
  for (const Product& product : products) {
    const std::uint64_t before = executor::calls();
    expect_product<float>(product);
    expect_product<double>(product);
    EXPECT_GT(executor::calls(), before);
  }
  for (const std::string& kernel : executor::launched_kernels()) {
    EXPECT_EQ(kernel.find("matmul"), std::string::npos) << "not cuBLAS: " << kernel;
  }
}

TEST(Cublas, AnyCallMayFail) {
  const Product& p = products[0];
  const Tensor left = uniform({1, Stream::test}, -1, 1, p.rows, p.depth, DType::float32);
  const Tensor right = uniform({2, Stream::test}, -1, 1, p.depth, p.columns, DType::float32);
  const Tensor start = Tensor::zeros({p.rows * p.columns}, DType::float32);
  backend(Device::executor);  // loaded before calls fail
  std::set<std::string> failed;
  for (std::uint64_t nth = 0; failed.count("cublasSgemmStridedBatched") == 0; ++nth) {
    ASSERT_LT(nth, 100u);
    // A thread of its own: it has to create its handle.
    std::thread([&] {
      executor::fail_call(nth);
      EXPECT_THROW(product_on<float>(Device::executor, p, left, right, start), DeviceError) << nth;
      failed.insert(executor::failed_call());
      executor::fail_call(~std::uint64_t{0});
    }).join();
  }
  for (const char* call : {"cublasCreate", "cublasSetStream", "cublasSetMathMode"}) {
    EXPECT_EQ(failed.count(call), 1u) << call;
  }
}

/// A product of 2 x 3 and 3 x 2 matrices with these leading dimensions.
cublasStatus_t small_product(cublasHandle_t handle, int left, int right, int output) {
  const Tensor memory = Tensor::full({64}, DType::float32, 1, Device::executor);
  const float* data = memory.data<float>();
  const float one = 1, zero = 0;
  return cublasSgemmStridedBatched(handle, CUBLAS_OP_N, CUBLAS_OP_N, 2, 2, 3, &one, data, left, 0, data + 16,
                                   right, 0, &zero, const_cast<float*>(data) + 32, output, 0, 1);
}

TEST(Cublas, RefusesWhatCublasRefuses) {
  cublasHandle_t handle = nullptr;
  ASSERT_EQ(cublasCreate(&handle), CUBLAS_STATUS_SUCCESS);
  EXPECT_THROW(small_product(handle, 2, 3, 2), executor::ExecutionError) << "on another stream";
  cublasSetStream(handle, cudaStreamPerThread);
  EXPECT_EQ(small_product(handle, 2, 3, 2), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(small_product(handle, 1, 3, 2), CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_EQ(small_product(handle, 2, 2, 2), CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_EQ(small_product(handle, 2, 3, 1), CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_THROW(small_product(handle, 40, 3, 2), executor::ExecutionError) << "beyond its memory";
  EXPECT_EQ(cublasDestroy(handle), CUBLAS_STATUS_SUCCESS);
  EXPECT_THROW(small_product(handle, 2, 3, 2), executor::ExecutionError) << "after its end";
  EXPECT_THROW(cublasDestroy(handle), executor::ExecutionError) << "twice";
}

}  // namespace
}  // namespace elbow::test
