#include "engine/memory.h"

#include <array>
#include <bit>

namespace elbow {
namespace {

constexpr std::size_t smallest_block = 64;
constexpr int size_classes = 40;

int size_class(std::size_t bytes) {
  return bytes <= smallest_block ? 0 : std::bit_width((bytes - 1) / smallest_block);
}

std::size_t class_bytes(int size_class) { return smallest_block << size_class; }

/// Free blocks of one back end, by power of two.
struct FreeLists {
  const kernels::Backend* backend = nullptr;
  std::array<std::vector<void*>, size_classes> blocks;
};

/// This thread's free blocks of the CPU and of one other back end that reuses memory.
struct Pool {
  std::array<FreeLists, 2> lists;

  FreeLists& of(const kernels::Backend& backend) {
    FreeLists& mine = lists[&backend == &kernels::cpu::backend() ? 0 : 1];
    mine.backend = &backend;
    return mine;
  }
  ~Pool();
};

// A pointer without a destructor, so that blocks released after the pool's end are still handled.
thread_local Pool* this_thread_pool = nullptr;

Pool::~Pool() {
  this_thread_pool = nullptr;
  for (FreeLists& list : lists) {
    for (auto& blocks : list.blocks) {
      for (void* block : blocks) list.backend->release(block);
    }
  }
}

struct PoolOwner {
  Pool pool;
  PoolOwner() { this_thread_pool = &pool; }
};

Pool* pool() {
  static thread_local PoolOwner owner;
  return this_thread_pool;
}

}  // namespace

void* acquire(const kernels::Backend& backend, std::size_t bytes) {
  if (!backend.reuses_memory) return backend.allocate(bytes);
  const int wanted = size_class(bytes);
  if (Pool* mine = pool()) {
    auto& blocks = mine->of(backend).blocks[wanted];
    if (!blocks.empty()) {
      void* block = blocks.back();
      blocks.pop_back();
      return block;
    }
  }
  return backend.allocate(class_bytes(wanted));
}

void recycle(const kernels::Backend& backend, void* block, std::size_t bytes) {
  if (Pool* mine = backend.reuses_memory ? pool() : nullptr) {
    mine->of(backend).blocks[size_class(bytes)].push_back(block);
  } else {
    backend.release(block);
  }
}

SharedMemory allocate(const kernels::Backend& backend, std::size_t bytes) {
  return std::allocate_shared<Memory>(PoolAllocator<Memory>{}, backend, bytes);
}

}  // namespace elbow
