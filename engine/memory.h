#pragma once
// Device memory and tape memory from per-thread free lists: after its first step a training allocates
// nothing.
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "kernels/backend.h"

namespace elbow {

/// A block of at least `bytes` from this thread's free lists, or from the back end. 64-byte aligned.
void* acquire(const kernels::Backend&, std::size_t bytes);
/// Returns a block of `acquire(backend, bytes)` to this thread's free lists.
void recycle(const kernels::Backend&, void* block, std::size_t bytes);

/// Standard allocator over this thread's host free lists.
template <class T>
struct PoolAllocator {
  using value_type = T;
  PoolAllocator() = default;
  template <class U>
  PoolAllocator(const PoolAllocator<U>&) {}
  T* allocate(std::size_t n) { return static_cast<T*>(acquire(kernels::cpu::backend(), n * sizeof(T))); }
  void deallocate(T* block, std::size_t n) { recycle(kernels::cpu::backend(), block, n * sizeof(T)); }
  template <class U>
  bool operator==(const PoolAllocator<U>&) const {
    return true;
  }
};

template <class T>
using PoolVector = std::vector<T, PoolAllocator<T>>;

/// Shared ownership of a block on a device.
struct Memory {
  Memory(const kernels::Backend& owner, std::size_t size)
      : backend(owner), block(acquire(owner, size)), bytes(size) {}
  ~Memory() { recycle(backend, block, bytes); }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  const kernels::Backend& backend;
  void* block;
  std::size_t bytes;
};
using SharedMemory = std::shared_ptr<Memory>;

SharedMemory allocate(const kernels::Backend&, std::size_t bytes);

}  // namespace elbow
