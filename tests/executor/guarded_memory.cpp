#include "tests/executor/guarded_memory.h"

#include <sys/mman.h>

#include <new>
#include <string>

#include "tests/executor/executor.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, bytes)
#define ASAN_UNPOISON_MEMORY_REGION(address, bytes)
#endif

namespace elbow::executor {
namespace {

constexpr std::size_t mapped_bytes = most_shared + 64 * 1024;

// A loop of its own: race detectors and address checkers watch memset.
void set_all_bits(std::byte* memory, std::size_t bytes) {
  for (volatile std::byte* at = memory; at != memory + bytes; at = at + 1) *at = std::byte{0xff};
}

}  // namespace

void close_memory(std::byte* memory, std::size_t bytes) {
  open_memory(memory, bytes);
  ASAN_POISON_MEMORY_REGION(memory, bytes);
}

void open_memory(std::byte* memory, std::size_t bytes) {
  ASAN_UNPOISON_MEMORY_REGION(memory, bytes);
  set_all_bits(memory, bytes);
}

__attribute__((no_sanitize("address"))) bool untouched(const std::byte* closed, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; ++i) {
    if (closed[i] != std::byte{0xff}) return false;
  }
  return true;
}

SharedMemory::SharedMemory() { map(); }
SharedMemory::~SharedMemory() { unmap(); }

void SharedMemory::map() {
  void* memory =
      mmap(nullptr, mapped_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  memory_ = static_cast<std::byte*>(memory);
  ASAN_POISON_MEMORY_REGION(memory_, mapped_bytes);
}

void SharedMemory::unmap() {
  ASAN_UNPOISON_MEMORY_REGION(memory_, mapped_bytes);
  munmap(memory_, mapped_bytes);
}

void SharedMemory::restart() {
#if defined(ELBOW_RACE_DETECTION)
  // Blocks may run at the same time, so nothing orders this block's accesses after those of the last.
  if (count_ > 0) {
    unmap();
    map();
  }
#endif
  close_memory(memory_, gap_bytes);
  count_ = 0;
  used_ = gap_bytes;
  declared_ = 0;
}

void* SharedMemory::slot(const void* place, std::size_t bytes) {
  for (int i = 0; i < count_; ++i) {
    if (slots_[i].place == place) return memory_ + slots_[i].offset;
  }
  declared_ += bytes;
  const std::size_t gap_begin = used_ + bytes;
  const std::size_t gap_end = (gap_begin + 15) / 16 * 16 + gap_bytes;
  if (count_ == most_slots || declared_ > most_shared || gap_end > mapped_bytes) {
    throw ExecutionError("a block declares " + std::to_string(declared_) + " bytes of shared memory in " +
                         std::to_string(count_ + 1) + " places; at most " + std::to_string(most_shared) +
                         " in " + std::to_string(most_slots) + " can be had");
  }
  slots_[count_++] = {place, used_, bytes};
  open_memory(memory_ + used_, bytes);
  close_memory(memory_ + gap_begin, gap_end - gap_begin);
  std::byte* const memory = memory_ + used_;
  used_ = gap_end;
  return memory;
}

bool SharedMemory::intact() const {
  std::size_t end = 0;
  for (int i = 0; i < count_; ++i) {
    if (!untouched(memory_ + end, slots_[i].offset - end)) return false;
    end = slots_[i].offset + slots_[i].bytes;
  }
  return untouched(memory_ + end, used_ - end);
}

}  // namespace elbow::executor
