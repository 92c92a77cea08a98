#pragma once
// The state of a launch, as grid.cpp schedules it and device_functions.cpp lets threads meet in it.
#include <array>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "tests/executor/executor.h"
#include "tests/executor/fiber.h"
#include "tests/executor/grid.h"
#include "tests/executor/guarded_memory.h"

#if defined(ELBOW_RACE_DETECTION)
#include <sanitizer/tsan_interface.h>
#else
inline void __tsan_acquire(void*) {}
inline void __tsan_release(void*) {}
#endif

namespace elbow::executor {

inline constexpr int lanes = 32;

enum class State { ready, waiting, ended };

struct Block;

struct QueuedCopy {
  Copy copy;
  unsigned batch;
};

struct Thread {
  Block* block = nullptr;
  unsigned index = 0;
  State state = State::ready;
  std::unique_ptr<Fiber> fiber;

  // What it waits for. No mask: the whole block.
  Call call{};
  unsigned mask = 0;
  Word word = 0;
  Words seen{};
  char token[2]{};  ///< what it publishes at a __syncwarp, by turns
  unsigned warp_meetings = 0;

  // What fences do depends on the atomics around them.
  bool fenced = false;
  std::array<void*, 8> observed{};
  std::size_t observed_count = 0;

  std::vector<QueuedCopy> copies;
  unsigned batches = 0;  ///< committed

  unsigned lane() const { return index % lanes; }
  bool waits_in_warp() const { return state == State::waiting && mask != 0; }
  bool waits_at_barrier() const { return state == State::waiting && mask == 0; }
};

struct Block {
  std::int64_t index = 0;
  std::vector<Thread> threads;
  unsigned waiting = 0;  ///< threads, for whatever
  unsigned at_barrier = 0;
  unsigned ended = 0;
  unsigned barriers = 0;
  char token[2]{};  ///< what barriers publish, by turns
  SharedMemory shared;
};

std::string text(const Call&);

/// One launch.
class Grid {
 public:
  Grid(const cudaLaunchConfig_t& config, const void* kernel, const std::function<void()>& body);
  void run();

  Thread& current() { return *current_; }
  std::size_t dynamic_bytes() const { return dynamic_bytes_; }
  [[noreturn]] void fail(const std::string& what) const;
  void wait(Call, unsigned mask);
  void wake(Thread&);
  /// Calls `use` with each index below `count`, in the order in which threads are to go on.
  template <class Use>
  void in_order(unsigned count, Use use) const {
    const bool descending = schedule_.order == Schedule::reverse;
    for (unsigned i = 0; i < count; ++i) use(descending ? count - 1 - i : i);
  }
  /// Lets another thread come first, if the schedule has it so.
  void yield();

 private:
  void drop_threads();
  void start_block(Block&);
  Thread& next();
  void run(Thread&);
  void run_body();
  void check_nobody_waits_for_current() const;
  std::unique_ptr<Fiber> next_fiber();
  void end_block(Block&);
  [[noreturn]] void fail_stalled() const;

  const void* kernel_;
  const std::function<void()>& body_;
  const std::function<void()> thread_body_;
  const std::int64_t blocks_;
  const unsigned threads_;
  const std::size_t dynamic_bytes_;
  const Schedule schedule_;
  std::mt19937_64 random_;
  std::vector<std::unique_ptr<Block>> resident_;
  std::int64_t started_ = 0, ended_ = 0;               // blocks
  std::deque<std::unique_ptr<Fiber>> retired_fibers_;  // of ended threads, oldest first
  std::vector<Thread*>
      ready_;  // a ring with room for all: ready_count_ from first_ready_ on, in the schedule's order
  std::size_t first_ready_ = 0, ready_count_ = 0;
  Thread* current_ = nullptr;
  std::exception_ptr error_;
  char start_token_ = 0, end_token_ = 0;
};

/// The launch that this operating-system thread is in; null outside.
extern thread_local Grid* running;

}  // namespace elbow::executor
