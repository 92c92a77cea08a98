#include "tests/executor/grid.h"

#include <algorithm>
#include <deque>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "tests/executor/executor.h"
#include "tests/executor/fiber.h"
#include "tests/executor/guarded_memory.h"
#include "tests/executor/runtime.h"

#if defined(ELBOW_RACE_DETECTION)
#include <sanitizer/tsan_interface.h>
// Threads of a launch that get a fiber of their own: to the race detector a fiber that is used again is the same
// thread, and what one thread does is no race.
constexpr std::size_t distinct_fibers = 4096;
#else
constexpr std::size_t distinct_fibers = 0;
inline void __tsan_acquire(void*) {}
inline void __tsan_release(void*) {}
#endif

thread_local constinit uint3 threadIdx{}, blockIdx{};
thread_local constinit dim3 blockDim{}, gridDim{};

namespace elbow::executor {
namespace {

constexpr int lanes = 32;
constexpr unsigned most_threads = 1024;             // of a block
constexpr std::size_t most_dynamic = 48 * 1024;     // bytes of shared memory, unless a kernel asks for more
constexpr std::int64_t resident_blocks_random = 4;  // blocks that a random schedule mixes

std::mutex settings_mutex;
Schedule schedule;               // guarded by settings_mutex
std::set<const void*> launched;  // guarded by settings_mutex

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

bool same_place(const Call& a, const Call& b) {
  return a.operation == b.operation && a.place.line() == b.place.line() &&
         a.place.column() == b.place.column() && std::string_view(a.place.file_name()) == b.place.file_name();
}

std::string text(const Call& call) {
  return std::string(call.operation) + " (" + call.place.file_name() + ":" +
         std::to_string(call.place.line()) + ")";
}

/// What launches leave for the next one of this operating-system thread: mapping memory takes time.
struct Reserve {
  std::deque<std::unique_ptr<Fiber>> fibers;
  std::vector<std::unique_ptr<Block>> blocks;
};
thread_local Reserve reserve;

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
  std::vector<Thread*> ready_;                         // in the order of the schedule, from first_ready_ on
  std::size_t first_ready_ = 0;
  Thread* current_ = nullptr;
  std::exception_ptr error_;
  char start_token_ = 0, end_token_ = 0;
};

thread_local Grid* running = nullptr;

Schedule present_schedule() {
  const std::lock_guard lock(settings_mutex);
  return schedule;
}

Grid::Grid(const cudaLaunchConfig_t& config, const void* kernel, const std::function<void()>& body)
    : kernel_(kernel),
      body_(body),
      thread_body_([this] { run_body(); }),
      blocks_(config.gridDim.x),
      threads_(config.blockDim.x),
      dynamic_bytes_(config.dynamicSmemBytes),
      schedule_(present_schedule()),
      random_(schedule_.seed) {
  gridDim = config.gridDim;
  blockDim = config.blockDim;
  const std::int64_t resident = schedule_.order == Schedule::random ? resident_blocks_random : 1;
  for (std::int64_t i = 0; i < std::min(resident, blocks_); ++i) {
    if (reserve.blocks.empty()) reserve.blocks.push_back(std::make_unique<Block>());
    resident_.push_back(std::move(reserve.blocks.back()));
    reserve.blocks.pop_back();
    resident_.back()->threads.resize(threads_);
    for (Thread& thread : resident_.back()->threads) thread.copies.reserve(16);
  }
}

void Grid::run() {
  for (auto& block : resident_) start_block(*block);
  while (ended_ < blocks_) run(next());
  __tsan_acquire(&end_token_);
  for (auto& block : resident_) reserve.blocks.push_back(std::move(block));
  for (auto& fiber : retired_fibers_) reserve.fibers.push_back(std::move(fiber));
}

void Grid::start_block(Block& block) {
  block.index = schedule_.order == Schedule::reverse ? blocks_ - 1 - started_ : started_;
  ++started_;
  block.waiting = block.at_barrier = block.ended = 0;
  block.shared.restart();
  in_order(threads_, [&](unsigned i) {
    Thread& thread = block.threads[i];
    thread.block = &block;
    thread.index = i;
    thread.fenced = false;
    thread.observed_count = 0;
    thread.copies.clear();
    wake(thread);
  });
}

void Grid::wake(Thread& thread) {
  if (thread.state == State::waiting) --thread.block->waiting;
  thread.state = State::ready;
  ready_.push_back(&thread);
}

Thread& Grid::next() {
  if (first_ready_ == ready_.size()) fail_stalled();
  if (schedule_.order == Schedule::random) {
    const std::size_t chosen = first_ready_ + random_() % (ready_.size() - first_ready_);
    std::swap(ready_[first_ready_], ready_[chosen]);
  }
  Thread& thread = *ready_[first_ready_++];
  if (first_ready_ == ready_.size()) {
    ready_.clear();
    first_ready_ = 0;
  }
  return thread;
}

void Grid::run(Thread& thread) {
  current_ = &thread;
  threadIdx.x = thread.index;
  blockIdx.x = static_cast<unsigned>(thread.block->index);
  if (thread.fiber == nullptr) {
    thread.fiber = next_fiber();
    thread.fiber->begin(thread_body_);
    __tsan_release(&start_token_);
  }
  thread.fiber->resume();
  if (error_) std::rethrow_exception(error_);
  if (thread.state != State::ended) return;
  retired_fibers_.push_back(std::move(thread.fiber));
  if (++thread.block->ended == threads_) end_block(*thread.block);
}

/// What each fiber runs.
void Grid::run_body() {
  __tsan_acquire(&start_token_);
  try {
    body_();
    check_nobody_waits_for_current();
  } catch (...) {
    error_ = std::current_exception();
  }
  current_->state = State::ended;
  __tsan_release(&end_token_);
}

void Grid::check_nobody_waits_for_current() const {
  const Thread& self = *current_;
  if (self.block->waiting == 0) return;
  for (const Thread& other : self.block->threads) {
    const bool same_warp = other.index / lanes == self.index / lanes;
    if (other.waits_at_barrier() || (other.waits_in_warp() && same_warp && (other.mask >> self.lane() & 1))) {
      fail("thread " + std::to_string(self.index) + " left the kernel, but thread " +
           std::to_string(other.index) + " waits for it at " + text(other.call));
    }
  }
}

std::unique_ptr<Fiber> Grid::next_fiber() {
  auto& fibers = retired_fibers_.size() > distinct_fibers ? retired_fibers_ : reserve.fibers;
  if (fibers.empty()) return std::make_unique<Fiber>();
  auto fiber = std::move(fibers.front());
  fibers.pop_front();
  return fiber;
}

void Grid::end_block(Block& block) {
  ++ended_;
  if (!block.shared.intact())
    fail("block " + std::to_string(block.index) + " wrote beyond its shared memory");
  if (started_ < blocks_) start_block(block);
}

void Grid::fail(const std::string& what) const {
  throw ExecutionError("[" + name_of_kernel(kernel_) + "] " + what);
}

void Grid::fail_stalled() const {
  std::map<std::string, int> waiting;
  for (const auto& block : resident_) {
    for (const Thread& thread : block->threads) {
      if (thread.state == State::waiting) ++waiting[text(thread.call)];
    }
  }
  std::string what = "stalled:";
  for (const auto& [place, threads] : waiting) {
    what += " " + std::to_string(threads) + " threads wait at " + place + ";";
  }
  what.pop_back();
  fail(what);
}

void Grid::wait(Call call, unsigned mask) {
  current_->call = call;
  current_->mask = mask;
  current_->state = State::waiting;
  ++current_->block->waiting;
}

void Grid::yield() {
  if (schedule_.order != Schedule::random) return;
  Thread& self = *current_;
  wake(self);
  self.fiber->suspend();
}

/// The lanes of the caller's warp: index 0 is lane 0.
Thread* warp_of(Thread& thread) { return thread.block->threads.data() + thread.index / lanes * lanes; }

void check_mask(Grid& grid, const Thread& self, unsigned mask) {
  if ((mask >> self.lane() & 1) == 0) {
    grid.fail("lane " + std::to_string(self.lane()) + " calls " + text(self.call) +
              " with a mask that does not name it");
  }
  const Block& block = *self.block;
  for (unsigned lane = 0; lane < lanes; ++lane) {
    if ((mask >> lane & 1) == 0) continue;
    const unsigned index = self.index / lanes * lanes + lane;
    const bool exists = index < block.threads.size();
    if (!exists || block.threads[index].state == State::ended) {
      grid.fail("the mask of " + text(self.call) + " names lane " + std::to_string(lane) +
                (exists ? ", which has left the kernel" : ", which this block does not have"));
    }
  }
}

/// Suspends the caller until the lanes of the mask are here. The last of them gives each what all have shown.
void meet_in_warp(Grid& grid, Thread& self, unsigned mask) {
  check_mask(grid, self, mask);
  Thread* const warp = warp_of(self);
  Words shown;
  for (unsigned lane = 0; lane < lanes; ++lane) {
    const bool named = (mask >> lane & 1) != 0;
    shown[lane] = named ? warp[lane].word : ~Word{0};
    if (named && !(warp[lane].waits_in_warp() && warp[lane].mask == mask)) return self.fiber->suspend();
    if (named && !same_place(warp[lane].call, self.call)) {
      grid.fail("lane " + std::to_string(lane) + " waits at " + text(warp[lane].call) + ", lane " +
                std::to_string(self.lane()) + " at " + text(self.call));
    }
  }
  grid.in_order(lanes, [&](unsigned lane) {
    if ((mask >> lane & 1) == 0) return;
    warp[lane].seen = shown;
    grid.wake(warp[lane]);
  });
  self.fiber->suspend();
}

}  // namespace

cudaError_t run_grid(const cudaLaunchConfig_t& config, const void* kernel,
                     const std::function<void()>& kernel_body) {
  if (running != nullptr) running->fail("launched a kernel from within a kernel");
  const bool one_dimension =
      config.gridDim.y * config.gridDim.z == 1 && config.blockDim.y * config.blockDim.z == 1;
  if (should_fail("cudaLaunchKernelEx")) return cudaErrorLaunchOutOfResources;
  if (!one_dimension || config.gridDim.x == 0 || config.blockDim.x == 0 || config.blockDim.x > most_threads ||
      config.dynamicSmemBytes > most_dynamic) {
    return cudaErrorInvalidConfiguration;
  }
  {
    const std::lock_guard lock(settings_mutex);
    launched.insert(kernel);
  }
  Grid grid(config, kernel, kernel_body);
  running = &grid;
  struct Leave {
    ~Leave() { running = nullptr; }
  } leave;
  grid.run();
  check_device_memory(kernel);
  return cudaSuccess;
}

void synchronize_block(Call call) {
  Grid& grid = *running;
  Thread& self = grid.current();
  Block& block = *self.block;
  if (block.ended > 0) {
    grid.fail("thread " + std::to_string(self.index) + " waits at " + text(call) + ", but " +
              std::to_string(block.ended) + " threads of the block have left the kernel");
  }
  char* const token = &block.token[block.barriers % 2];
  __tsan_release(token);
  grid.wait(call, 0);
  if (++block.at_barrier == block.threads.size()) {
    for (const Thread& other : block.threads) {
      if (!same_place(other.call, call)) {
        grid.fail("thread " + std::to_string(other.index) + " waits at " + text(other.call) + ", thread " +
                  std::to_string(self.index) + " at " + text(call));
      }
    }
    block.at_barrier = 0;
    ++block.barriers;
    grid.in_order(static_cast<unsigned>(block.threads.size()),
                  [&](unsigned i) { grid.wake(block.threads[i]); });
  }
  self.fiber->suspend();
  __tsan_acquire(token);
}

const Words& exchange(Call call, unsigned mask, Word word) {
  Grid& grid = *running;
  Thread& self = grid.current();
  self.word = word;
  grid.wait(call, mask);
  meet_in_warp(grid, self, mask);
  return self.seen;
}

void synchronize_warp(Call call, unsigned mask) {
  Grid& grid = *running;
  Thread& self = grid.current();
  char* const token = &self.token[self.warp_meetings++ % 2];
  __tsan_release(token);
  self.word = reinterpret_cast<Word>(token);
  grid.wait(call, mask);
  meet_in_warp(grid, self, mask);
  for (unsigned lane = 0; lane < lanes; ++lane) {
    if (mask >> lane & 1) __tsan_acquire(reinterpret_cast<void*>(self.seen[lane]));
  }
}

int lane_index() { return static_cast<int>(running->current().lane()); }

void* shared_memory(const void* place, std::size_t bytes) {
  return running->current().block->shared.slot(place, bytes);
}

void* dynamic_shared_memory() { return shared_memory(running, running->dynamic_bytes()); }

void before_atomic(void* address) {
  running->yield();
  if (running->current().fenced) __tsan_release(address);
}

void after_atomic(void* address) {
  Thread& self = running->current();
  self.observed[self.observed_count++ % self.observed.size()] = address;
}

void fence() {
  Thread& self = running->current();
  self.fenced = true;
  const std::size_t count = std::min(self.observed_count, self.observed.size());
  for (std::size_t i = 0; i < count; ++i) __tsan_acquire(self.observed[i]);
}

void copy_later(void* shared, const void* global, std::size_t bytes, std::size_t zeros) {
  Grid& grid = *running;
  if ((bytes != 4 && bytes != 8 && bytes != 16) || zeros > bytes ||
      reinterpret_cast<std::uintptr_t>(shared) % bytes != 0 ||
      reinterpret_cast<std::uintptr_t>(global) % bytes != 0) {
    grid.fail("an asynchronous copy of " + std::to_string(bytes) + " bytes with " + std::to_string(zeros) +
              " zeros: 4, 8 or 16 bytes can be copied, from and to multiples of that");
  }
  grid.current().copies.push_back({{shared, global, bytes, zeros}, grid.current().batches});
}

void commit_copies() { ++running->current().batches; }

bool next_copy(unsigned newest, Copy& copy) {
  Thread& self = running->current();
  const auto due = std::find_if(self.copies.begin(), self.copies.end(),
                                [&](const QueuedCopy& c) { return c.batch + newest < self.batches; });
  if (due == self.copies.end()) return false;
  copy = due->copy;
  self.copies.erase(due);
  return true;
}

void set_schedule(Schedule next) {
  const std::lock_guard lock(settings_mutex);
  schedule = next;
}

std::vector<std::string> launched_kernels() {
  const std::lock_guard lock(settings_mutex);
  std::vector<std::string> names;
  for (const void* kernel : launched) names.push_back(name_of_kernel(kernel));
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace elbow::executor
