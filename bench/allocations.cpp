#include "bench/allocations.h"

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

std::atomic<std::size_t> total = 0;

void* counted(std::size_t bytes, std::size_t alignment) {
  total += bytes;
  const std::size_t rounded = (bytes + alignment - 1) / alignment * alignment;
  if (void* block = std::aligned_alloc(alignment, rounded)) return block;
  throw std::bad_alloc();
}

}  // namespace

void* operator new(std::size_t bytes) { return counted(bytes, alignof(std::max_align_t)); }
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return counted(bytes, static_cast<std::size_t>(alignment));
}
void operator delete(void* block) noexcept { std::free(block); }
void operator delete(void* block, std::size_t) noexcept { std::free(block); }
void operator delete(void* block, std::align_val_t) noexcept { std::free(block); }
void operator delete(void* block, std::size_t, std::align_val_t) noexcept { std::free(block); }

namespace elbow::bench {

std::size_t allocated_bytes() { return total; }

}  // namespace elbow::bench
