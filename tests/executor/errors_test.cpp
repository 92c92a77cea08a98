// ctest labels: threads
// What the executor says where CUDA leaves a kernel's behaviour undefined, and that it can go on afterwards.
#include "tests/executor/errors.h"

#include <cuda_runtime.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <regex>

#include "kernels/error.h"
#include "tests/executor/executor.h"
#include "tests/thrown.h"

namespace elbow::test {
namespace {

using executor::ExecutionError;
using executor::Schedule;

struct Misuse {
  const char* name;
  void (*launch)();
  const char* message;  ///< a regular expression, where .. is a line of errors.cu
};

const Misuse misuses[] = {
    {"BarriersAtDifferentLines", barriers_at_different_lines,
     R"(\[.*two_barriers\(\)\] thread \d waits at __syncthreads \(.., thread \d at __syncthreads \(..)"},
    {"BarrierAfterOthersLeft", barrier_after_others_left,
     R"(\[.*barrier_for_some\(int, int\)\] thread \d+ waits at __syncthreads \(.., but \d+ threads of the block )"
     R"(have left the kernel|thread \d+ left the kernel, but thread 3\d waits for it at __syncthreads \(..)"},
    {"LeaveWhileOthersWait", leave_while_others_wait,
     R"(\[.*barrier_for_some\(int, int\)\] thread \d+ left the kernel, but thread [0-3] waits for it at )"
     R"(__syncthreads \(..|thread [0-3] waits at __syncthreads \(.., but \d+ threads of the block have left)"},
    {"MaskWithoutCaller", mask_without_caller,
     R"(\[.*vote_under\(unsigned int\)\] lane 31 calls __any_sync \(.. with a mask that does not name it)"},
    {"MaskOfMissingLanes", mask_of_missing_lanes,
     R"(\[.*vote_under\(unsigned int\)\] the mask of __any_sync \(.. names lane 20, which this block does not have)"},
    {"DifferentOperationsUnderOneMask", different_operations_under_one_mask,
     R"(\[.*two_operations\(\)\] lane \d+ waits at __a(ll|ny)_sync \(.., lane \d+ at __a(ll|ny)_sync \(..)"},
    {"WaitForEachOther", wait_for_each_other,
     R"(\[.*warp_against_block\(\)\] stalled: 27 threads wait at __syncthreads \(..; 5 threads wait at __syncwarp \(..$)"},
    {"TooMuchDeclaredMemory", too_much_declared_memory,
     R"(a block declares 233472 bytes of shared memory in 2 places; at most 232448 in 32 can be had)"},
    {"CopyToMisalignedAddress", copy_to_misaligned_address,
     R"(\[.*copy_later\(.*\)\] an asynchronous copy of 16 bytes with 0 zeros: 4, 8 or 16 bytes can be copied)"},
    {"CopyOfOddSize", copy_of_odd_size, R"(an asynchronous copy of 12 bytes with 0 zeros)"},
    {"OperandOfFullPrecision", operand_of_full_precision,
     R"(\[.*multiply_unrounded\(\)\] an operand of multiply_add_tile is no TF32 number: 1\.)"},
    {"LaunchWithinKernel", launch_within_kernel,
     R"(\[.*launch_another\(\)\] launched a kernel from within a kernel)"},
#if !defined(__SANITIZE_ADDRESS__)  // which ends the process at once: planted_bugs_test.cpp
    {"WriteBesideSharedMemory", write_beside_shared_memory,
     R"(\[.*write_shared\(int\)\] block 0 wrote beyond its shared memory)"},
    {"WriteBesideDeviceMemory", write_beside_device_memory,
     R"(\[.*write_device\(float\*, int\)\] wrote beside a block of device memory)"},
#endif
};

class Misuses : public ::testing::TestWithParam<Misuse> {
 protected:
  void TearDown() override { executor::set_schedule({}); }
};
INSTANTIATE_TEST_SUITE_P(Of, Misuses, ::testing::ValuesIn(misuses),
                         [](const auto& info) { return std::string(info.param.name); });

TEST_P(Misuses, AreNamed) {
  const std::regex message(std::regex_replace(std::string(GetParam().message), std::regex(R"(\\\(\.\.)"),
                                              R"(\([^ ]*errors\.cu:\d+\))"));
  const std::size_t blocks = executor::live_blocks();
  for (const Schedule schedule : {Schedule{Schedule::forward}, Schedule{Schedule::reverse},
                                  Schedule{Schedule::random, 1}, Schedule{Schedule::random, 2}}) {
    executor::set_schedule(schedule);
    const std::string found = thrown<ExecutionError>(GetParam().launch);
    EXPECT_TRUE(std::regex_search(found, message)) << found;
    EXPECT_EQ(executor::live_blocks(), blocks);
    // Threads that were left where they stood are in nobody's way.
    EXPECT_EQ(count_threads(3, 70, 0), 210u);
  }
}

TEST(Launch, OfTooMuchSharedMemoryIsRefused) {
  EXPECT_NE(
      thrown<DeviceError>([] { count_threads(1, 32, std::uint64_t{1} << 40); }).find("1099511627776 bytes"),
      std::string::npos);
  EXPECT_EQ(count_threads(1, 32, 227 * 1024), 32u);
}

TEST(Launch, NeedsPermissionForMuchSharedMemory) {
  const auto* const kernel = reinterpret_cast<const void*>(&count_threads);
  const auto allow = [&](int bytes) {
    return cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes);
  };
  EXPECT_EQ(allow(227 * 1024 + 1), cudaErrorInvalidValue);
  EXPECT_EQ(allow(-1), cudaErrorInvalidValue);
  EXPECT_EQ(allow(227 * 1024), cudaSuccess);
}

TEST(Copy, OfOtherMemoryIsRefused) {
  float here[4] = {};
  void* there = nullptr;
  ASSERT_EQ(cudaMalloc(&there, sizeof(here)), cudaSuccess);
  const auto copy = [&](void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
    return thrown<ExecutionError>([&] { cudaMemcpyAsync(to, from, bytes, kind, cudaStreamPerThread); });
  };
  const std::string refused = "[cudaMemcpyAsync] 16 bytes do not lie in one block of device memory";
  EXPECT_EQ(copy(here, here, 16, cudaMemcpyHostToDevice), refused);
  EXPECT_EQ(copy(here, here, 16, cudaMemcpyDeviceToHost), refused);
  EXPECT_EQ(copy(there, here, 16, cudaMemcpyDeviceToDevice), refused);
  EXPECT_EQ(copy(static_cast<float*>(there) + 1, here, 16, cudaMemcpyHostToDevice), refused);
  EXPECT_EQ(copy(there, here, 16, cudaMemcpyHostToDevice), "nothing was thrown");
  EXPECT_EQ(cudaFree(there), cudaSuccess);
  EXPECT_EQ(cudaFree(here), cudaErrorInvalidValue);
  EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidValue);
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
}

}  // namespace
}  // namespace elbow::test
