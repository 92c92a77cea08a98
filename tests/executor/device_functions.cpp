// How threads meet: barriers, warps, fences and atomics, and copies that arrive later.
#include <algorithm>
#include <bit>
#include <string_view>

#include "tests/executor/launch_state.h"

namespace elbow::executor {
namespace {

bool same_place(const Call& a, const Call& b) {
  return a.operation == b.operation && a.place.line() == b.place.line() &&
         a.place.column() == b.place.column() && std::string_view(a.place.file_name()) == b.place.file_name();
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

std::string text(const Call& call) {
  return std::string(call.operation) + " (" + call.place.file_name() + ":" +
         std::to_string(call.place.line()) + ")";
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

void check_tf32(std::initializer_list<unsigned> operands) {
  for (const unsigned bits : operands) {
    const bool is_nan = (bits & 0x7fffffffu) > 0x7f800000u;
    if (!is_nan && (bits & 0x1fffu) != 0) {
      running->fail("an operand of multiply_add_tile is no TF32 number: " +
                    std::to_string(std::bit_cast<float>(bits)) + "; to_tf32 makes one of it");
    }
  }
}

}  // namespace elbow::executor
