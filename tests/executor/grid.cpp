#include "tests/executor/grid.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <set>

#include "tests/executor/launch_state.h"
#include "tests/executor/runtime.h"

thread_local constinit uint3 threadIdx{}, blockIdx{};
thread_local constinit dim3 blockDim{}, gridDim{};

namespace elbow::executor {

thread_local Grid* running = nullptr;

namespace {

// Threads of a launch that get a fiber of their own: to the race detector a fiber that is used again is the same
// thread, and what one thread does is no race.
#if defined(ELBOW_RACE_DETECTION)
constexpr std::size_t distinct_fibers = 4096;
#else
constexpr std::size_t distinct_fibers = 0;
#endif

constexpr unsigned most_blocks = 0x7fffffff;        // of a grid
constexpr unsigned most_threads = 1024;             // of a block
constexpr std::int64_t resident_blocks_random = 4;  // blocks that a random schedule mixes

std::mutex settings_mutex;
Schedule schedule;               // guarded by settings_mutex
std::set<const void*> launched;  // guarded by settings_mutex

/// What launches leave for the next one of this operating-system thread: mapping memory takes time.
struct Reserve {
  std::deque<std::unique_ptr<Fiber>> fibers;
  std::vector<std::unique_ptr<Block>> blocks;
};
thread_local Reserve reserve;

Schedule present_schedule() {
  const std::lock_guard lock(settings_mutex);
  return schedule;
}

}  // namespace

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
  ready_.resize(resident_.size() * threads_);
}

void Grid::run() {
  for (auto& block : resident_) start_block(*block);
  try {
    while (ended_ < blocks_) run(next());
  } catch (...) {
    drop_threads();
    throw;
  }
  __tsan_acquire(&end_token_);
  for (auto& block : resident_) reserve.blocks.push_back(std::move(block));
  for (auto& fiber : retired_fibers_) reserve.fibers.push_back(std::move(fiber));
}

/// Leaves all threads where they stand.
void Grid::drop_threads() {
  for (auto& block : resident_) {
    for (Thread& thread : block->threads) thread.fiber.reset();
  }
  __tsan_acquire(&end_token_);
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
  ready_[(first_ready_ + ready_count_++) % ready_.size()] = &thread;
}

Thread& Grid::next() {
  if (ready_count_ == 0) fail_stalled();
  if (schedule_.order == Schedule::random) {
    const std::size_t chosen = (first_ready_ + random_() % ready_count_) % ready_.size();
    std::swap(ready_[first_ready_], ready_[chosen]);
  }
  Thread& thread = *ready_[first_ready_];
  first_ready_ = (first_ready_ + 1) % ready_.size();
  --ready_count_;
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

cudaError_t run_grid(const cudaLaunchConfig_t& config, const void* kernel,
                     const std::function<void()>& kernel_body) {
  if (running != nullptr) running->fail("launched a kernel from within a kernel");
  const bool one_dimension =
      config.gridDim.y * config.gridDim.z == 1 && config.blockDim.y * config.blockDim.z == 1;
  if (config.stream != cudaStreamPerThread) {
    throw ExecutionError("[" + name_of_kernel(kernel) +
                         "] is launched on another stream than the copies around it");
  }
  if (should_fail("cudaLaunchKernelEx")) return cudaErrorLaunchOutOfResources;
  if (!one_dimension || config.gridDim.x == 0 || config.gridDim.x > most_blocks) {
    return cudaErrorInvalidConfiguration;
  }
  if (config.blockDim.x == 0 || config.blockDim.x > most_threads ||
      config.dynamicSmemBytes > most_dynamic_memory(kernel)) {
    return cudaErrorInvalidValue;
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
