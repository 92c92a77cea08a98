// ctest labels: cuda
// Determinants by way of cuBLAS: every call failing once, under every order of threads the same bits, and what cuBLAS
// would refuse or its documentation leaves open.
#include <cublas_v2.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>
#include <thread>

#include "engine/device.h"
#include "engine/ops.h"
#include "engine/random.h"
#include "tests/evaluate.h"
#include "tests/executor/executor.h"

namespace elbow::test {
namespace {

Variable large_matrices() {
  return Variable(
      uniform({1, Stream::test}, -1, 1, 2, 61 * 61, DType::float32, Device::executor).reshaped({2, 61, 61}));
}

TEST(CublasBatched, AnyCallMayFail) {
  const Variable matrices = large_matrices();
  const std::size_t blocks = executor::live_blocks();
  std::set<std::string> failed;
  for (std::uint64_t nth = 0; failed.count("cublasDgetriBatched") == 0; ++nth) {
    ASSERT_LT(nth, 100u);
    // A thread of its own: it has to create its handle.
    std::thread([&] {
      executor::fail_call(nth);
      try {
        inverse_transpose(matrices);
        ADD_FAILURE() << "call " << nth << " did not fail";
      } catch (const DeviceError& error) {
        const std::string call = executor::failed_call(), said = error.what();
        const std::string named = call.starts_with("cublas") ? "[slogdet] " + call + " failed: " : "[";
        EXPECT_TRUE(said.starts_with(named)) << said;
        failed.insert(call);
      }
      executor::fail_call(~std::uint64_t{0});
    }).join();
    EXPECT_EQ(executor::live_blocks(), blocks) << "call " << nth;
  }
  for (const char* call :
       {"cudaMalloc", "cublasCreate", "cublasSetStream", "cublasSetMathMode", "cublasDgetrfBatched"}) {
    EXPECT_EQ(failed.count(call), 1u) << call;
  }
}

TEST(CublasBatched, KernelsAroundItTakeAnyOrderOfThreads) {
  const Variable matrices = large_matrices();
  const Tensor forward = inverse_transpose(matrices).value();
  for (const executor::Schedule& schedule :
       {executor::Schedule{executor::Schedule::reverse}, executor::Schedule{executor::Schedule::random, 1},
        executor::Schedule{executor::Schedule::random, 2}}) {
    executor::set_schedule(schedule);
    EXPECT_TRUE(same_bits(inverse_transpose(matrices).value(), forward));
  }
  executor::set_schedule({});
}

/// Two 2 x 2 matrices, their inverses, and what cuBLAS needs beside them.
struct Small {
  Tensor values = Tensor::from(std::vector<double>{1, 2, 3, 4, 5, 6, 7, 9}, {8}, Device::executor);
  Tensor inverses = Tensor::zeros({8}, DType::float64, Device::executor);
  Tensor pointers = Tensor::zeros({4}, DType::float64, Device::executor);
  Tensor integers = Tensor::zeros({6}, DType::float32, Device::executor);

  Small() {
    double* const matrices[] = {values.data<double>(), values.data<double>() + 4, inverses.data<double>(),
                                inverses.data<double>() + 4};
    backend(Device::executor).copy_from_host(pointers.data<double>(), matrices, sizeof(matrices));
  }
  double** matrix_of() const { return reinterpret_cast<double**>(pointers.data<double>()); }
  int* pivots() const { return reinterpret_cast<int*>(integers.data<float>()); }

  cublasStatus_t factor(cublasHandle_t handle, int n = 2, int leading = 2, int batches = 2) const {
    return cublasDgetrfBatched(handle, n, matrix_of(), leading, pivots(), pivots() + 4, batches);
  }
  cublasStatus_t invert(cublasHandle_t handle, int leading = 2, int inverse_leading = 2, int batches = 2,
                        int first_inverse = 2) const {
    return cublasDgetriBatched(handle, 2, matrix_of(), leading, pivots(), matrix_of() + first_inverse,
                               inverse_leading, pivots() + 4, batches);
  }
};

class Handle {
 public:
  Handle() {
    EXPECT_EQ(cublasCreate(&handle_), CUBLAS_STATUS_SUCCESS);
    EXPECT_EQ(cublasSetStream(handle_, cudaStreamPerThread), CUBLAS_STATUS_SUCCESS);
  }
  ~Handle() { cublasDestroy(handle_); }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  operator cublasHandle_t() const { return handle_; }

 private:
  cublasHandle_t handle_ = nullptr;
};

TEST(CublasBatched, InvertsByColumns) {
  const Handle handle;
  const Small small;
  ASSERT_EQ(small.factor(handle), CUBLAS_STATUS_SUCCESS);
  ASSERT_EQ(small.invert(handle), CUBLAS_STATUS_SUCCESS);
  const std::vector<double> found = small.inverses.to_vector<double>();
  const double expected[] = {-2, 1, 1.5, -0.5, 3, -2, -7.0 / 3, 5.0 / 3};
  for (int i = 0; i < 8; ++i) EXPECT_NEAR(found[i], expected[i], 1e-13) << i;
}

TEST(CublasBatched, RefusesWhatCublasRefuses) {
  cublasHandle_t unset = nullptr;
  ASSERT_EQ(cublasCreate(&unset), CUBLAS_STATUS_SUCCESS);
  const Handle handle;
  const Small small;
  EXPECT_THROW(small.factor(unset), executor::ExecutionError) << "on another stream";
  EXPECT_EQ(cublasDestroy(unset), CUBLAS_STATUS_SUCCESS);
  EXPECT_THROW(small.factor(unset), executor::ExecutionError) << "after its end";
  EXPECT_EQ(small.factor(handle, -1), CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_EQ(small.factor(handle, 2, 1), CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_EQ(small.factor(handle, 2, 2, -1), CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_THROW(small.factor(handle, 2, 7), executor::ExecutionError) << "beyond its memory";
  EXPECT_THROW(small.factor(handle, 2, 2, 5), executor::ExecutionError) << "beyond the pointers";
  EXPECT_EQ(small.factor(handle, 2, 2, 0), CUBLAS_STATUS_SUCCESS);
  EXPECT_THROW(small.invert(handle), executor::ExecutionError) << "never factored";
  ASSERT_EQ(small.factor(handle), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(small.invert(handle, 1), CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_EQ(small.invert(handle, 2, 1), CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_THROW(small.invert(handle, 2, 7), executor::ExecutionError) << "beyond its memory";
  EXPECT_THROW(small.invert(handle, 2, 2, 2, 0), executor::ExecutionError) << "in its own place";
}

TEST(CublasBatched, RefusesPointersThatAreNotOnTheDevice) {
  const Handle handle;
  const Small small;
  double* const on_host[] = {small.values.data<double>(), small.values.data<double>() + 4};
  EXPECT_THROW(cublasDgetrfBatched(handle, 2, on_host, 2, small.pivots(), small.pivots() + 4, 2),
               executor::ExecutionError);
  int host_integers[6];
  EXPECT_THROW(cublasDgetrfBatched(handle, 2, small.matrix_of(), 2, host_integers, small.pivots(), 2),
               executor::ExecutionError);
  EXPECT_THROW(cublasDgetrfBatched(handle, 2, small.matrix_of(), 2, small.pivots(), host_integers, 2),
               executor::ExecutionError);
}

TEST(CublasBatched, WantsFiniteMatricesAndLeavesNothingBehindAZeroPivot) {
  const Handle handle;
  Small small;
  small.values.assign(Tensor::from(std::vector<double>{0, 0, 1, 2, 1, 0, 0, 1}, {8}));
  ASSERT_EQ(small.factor(handle), CUBLAS_STATUS_SUCCESS);
  const std::vector<double> factors = small.values.to_vector<double>();
  EXPECT_EQ(factors[0], 0);
  EXPECT_TRUE(std::isnan(factors[3]));
  EXPECT_THROW(small.invert(handle), executor::ExecutionError);
  small.values.assign(Tensor::full({8}, DType::float64, std::numeric_limits<double>::quiet_NaN()));
  EXPECT_THROW(small.factor(handle), executor::ExecutionError);
}

}  // namespace
}  // namespace elbow::test
