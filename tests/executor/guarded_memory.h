#pragma once
// Memory as strict as it gets: uninitialised bytes are NaN, and what lies between allocations is out of bounds,
// for AddressSanitizer at once, for other builds when somebody looks whether it was written to.
#include <cstddef>
#include <cstdint>
#include <source_location>

namespace elbow::executor {

inline constexpr std::size_t gap_bytes = 128;
inline constexpr std::size_t most_shared = 227 * 1024;  ///< of one block, on compute capability 9.0

/// Puts [memory, memory + bytes) out of bounds.
void close_memory(std::byte* memory, std::size_t bytes);
/// Puts it back within bounds, every bit set: NaN as a float or a double.
void open_memory(std::byte* memory, std::size_t bytes);
/// False if something was written since it was closed.
bool untouched(const std::byte* closed, std::size_t bytes);

/// The shared memory of one block. What a block declares lies here one after the other, with gaps between.
class SharedMemory {
 public:
  SharedMemory();
  ~SharedMemory();
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;

  /// For a new block, which sees NaN everywhere.
  void restart();
  /// The slot of one declaration, 16-byte aligned; the first call makes it. Throws ExecutionError if the block's
  /// declarations are too large together.
  void* slot(const void* place, std::size_t bytes);
  /// False if a gap was written to.
  bool intact() const;

 private:
  static constexpr int most_slots = 32;
  struct Slot {
    const void* place;
    std::size_t offset;
    std::size_t bytes;
  };
  void map();
  void unmap();

  std::byte* memory_ = nullptr;
  Slot slots_[most_slots];
  int count_ = 0;
  std::size_t used_ = 0;
  std::size_t declared_ = 0;
};

}  // namespace elbow::executor
