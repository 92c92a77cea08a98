#pragma once
// The executor runs CUDA kernels on the CPU, from the very sources that nvcc compiles, as strictly as the
// language allows. This is what tests say to it.
//
// cuda_language.h makes CUDA's keywords and device functions ordinary C++ for g++; grid.h runs the threads of a
// launch as fibers; runtime.cpp and cublas*.cpp are what the kernels' host code is linked with in place of
// NVIDIA's libraries.
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace elbow::executor {

/// What a kernel or a library call did that CUDA does not allow: which, where, and what was expected.
struct ExecutionError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Which thread goes on where several could.
struct Schedule {
  enum Order {
    forward,  ///< block by block, threads by ascending index
    reverse,  ///< the same, descending
    random,   ///< any of the ready threads of four blocks
  };
  Order order = forward;
  std::uint64_t seed = 0;  ///< of the random order
};

/// For all launches from now on, of every thread of the process.
void set_schedule(Schedule);

/// The kernels launched so far by this process, each by its signature, sorted.
std::vector<std::string> launched_kernels();

/// Lets the `nth` call (from 0) of a runtime or library function from now on fail; it has then no effect but
/// its error.
void fail_call(std::uint64_t nth);
/// Runtime and library calls since the last `fail_call`, and the name of the one that was made to fail (empty:
/// none yet).
std::uint64_t calls();
std::string failed_call();

/// Blocks of device memory that are not freed.
std::size_t live_blocks();

}  // namespace elbow::executor
