#pragma once
// What the parts of the executor share about the CUDA runtime that they stand in for.
#include <cstddef>
#include <string>

namespace elbow::executor {

/// Counts a call of a runtime or library function; true if a test asked for this one to fail.
bool should_fail(const char* function);

/// Throws ExecutionError, naming the kernel, if something was written beside a block of device memory.
void check_device_memory(const void* kernel);

/// Throws ExecutionError unless [memory, memory + bytes) lies in one block of device memory. `user`: who needs it.
void require_device_memory(const char* user, const void* memory, std::size_t bytes);

/// Throws ExecutionError if this is device memory, which the host does not read.
void require_host_memory(const char* user, const void* memory);

/// Dynamic shared memory that a block of the kernel may have.
std::size_t most_dynamic_memory(const void* kernel);

/// The kernel's signature.
std::string name_of_kernel(const void* kernel);

}  // namespace elbow::executor
