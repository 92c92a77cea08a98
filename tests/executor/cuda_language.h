#pragma once
// CUDA's keywords and device functions as ordinary C++: g++ includes this file before a .cu file.
//
// A kernel is then a function like any other, and its threads are fibers (grid.h). What CUDA leaves undefined is
// an error here, and what it promises about memory is told to ThreadSanitizer and nothing more: threads are
// ordered by barriers, by __syncwarp, by fences around atomics, and by launches. Shuffles and votes exchange
// values and order nothing.
#include <bit>
#include <cstring>
#include <functional>
#include <source_location>
#include <tuple>
#include <utility>

#include "tests/executor/grid.h"

#undef __launch_bounds__
#define __launch_bounds__(...)
#undef __noinline__
#define __noinline__ __attribute__((noinline))
// Where a GPU's compiler is told what to inline, g++ is to choose: with a sanitizer's checks such code is long to compile.
#undef __forceinline__
#define __forceinline__ inline
#define ELBOW_INLINED

// --- Launches

#define cudaLaunchKernelEx elbow::executor::launch_kernel

namespace elbow::executor {

template <class... Parameters, class... Arguments>
cudaError_t launch_kernel(const cudaLaunchConfig_t* config, void (*kernel)(Parameters...),
                          Arguments&&... arguments) {
  const std::tuple<Parameters...> copies(std::forward<Arguments>(arguments)...);
  return run_grid(*config, reinterpret_cast<const void*>(kernel), [&] { std::apply(kernel, copies); });
}

}  // namespace elbow::executor

// --- Shared memory (kernels/launch.cuh)

#define ELBOW_SHARED(T, name, count) \
  static char name##_place;          \
  auto& name = *static_cast<T(*)[count]>(elbow::executor::shared_memory(&name##_place, sizeof(T[count])))

#define ELBOW_DYNAMIC_SHARED(T, name) \
  T* const name = static_cast<T*>(elbow::executor::dynamic_shared_memory())

// --- Barriers and fences

inline void __syncthreads(std::source_location place = std::source_location::current()) {
  elbow::executor::synchronize_block({"__syncthreads", place});
}
inline void __syncwarp(unsigned mask = 0xffffffffu,
                       std::source_location place = std::source_location::current()) {
  elbow::executor::synchronize_warp({"__syncwarp", place}, mask);
}
inline void __threadfence() { elbow::executor::fence(); }
inline void __threadfence_block() { elbow::executor::fence(); }

// --- Warps: every operation is the lanes of a mask that show each other a word

namespace elbow::executor {

template <class T>
Word to_word(T value) {
  static_assert(sizeof(T) <= sizeof(Word));
  Word word = 0;
  std::memcpy(&word, &value, sizeof(T));
  return word;
}
template <class T>
T from_word(Word word) {
  T value;
  std::memcpy(&value, &word, sizeof(T));
  return value;
}

/// This lane gets the value of lane `source` of its group of `width` lanes, or its own if the group has no such.
template <class T, class Source>
T shuffle(Call call, unsigned mask, T value, int width, Source source) {
  const Words& words = exchange(call, mask, to_word(value));
  const int lane = lane_index();
  const int first = lane / width * width;
  const int from = source(lane, first, first + width - 1);
  return from_word<T>(words[from]);
}

template <class T, class Combine>
T reduce(Call call, unsigned mask, T value, Combine combine) {
  const Words& words = exchange(call, mask, to_word(value));
  bool first = true;
  for (int lane = 0; lane < 32; ++lane) {
    if ((mask >> lane & 1) == 0) continue;
    value = first ? from_word<T>(words[lane]) : combine(value, from_word<T>(words[lane]));
    first = false;
  }
  return value;
}

}  // namespace elbow::executor

template <class T>
T __shfl_sync(unsigned mask, T value, int source, int width = 32,
              std::source_location place = std::source_location::current()) {
  return elbow::executor::shuffle({"__shfl_sync", place}, mask, value, width,
                                  [=](int, int first, int) { return first + (source & (width - 1)); });
}
template <class T>
T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32,
                 std::source_location place = std::source_location::current()) {
  return elbow::executor::shuffle(
      {"__shfl_up_sync", place}, mask, value, width, [=](int lane, int first, int) {
        return lane - static_cast<int>(delta) < first ? lane : lane - static_cast<int>(delta);
      });
}
template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32,
                   std::source_location place = std::source_location::current()) {
  return elbow::executor::shuffle(
      {"__shfl_down_sync", place}, mask, value, width, [=](int lane, int, int last) {
        return lane + static_cast<int>(delta) > last ? lane : lane + static_cast<int>(delta);
      });
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int lanes, int width = 32,
                  std::source_location place = std::source_location::current()) {
  return elbow::executor::shuffle(
      {"__shfl_xor_sync", place}, mask, value, width,
      [=](int lane, int, int last) { return (lane ^ lanes) > last ? lane : lane ^ lanes; });
}

inline unsigned __ballot_sync(unsigned mask, int predicate,
                              std::source_location place = std::source_location::current()) {
  const unsigned own = predicate != 0 ? 1u << elbow::executor::lane_index() : 0u;
  return elbow::executor::reduce({"__ballot_sync", place}, mask, own, std::bit_or<>{});
}
inline int __any_sync(unsigned mask, int predicate,
                      std::source_location place = std::source_location::current()) {
  return elbow::executor::reduce({"__any_sync", place}, mask, int{predicate != 0}, std::bit_or<>{});
}
inline int __all_sync(unsigned mask, int predicate,
                      std::source_location place = std::source_location::current()) {
  return elbow::executor::reduce({"__all_sync", place}, mask, int{predicate != 0}, std::bit_and<>{});
}
template <class Integer>
Integer __reduce_add_sync(unsigned mask, Integer value,
                          std::source_location place = std::source_location::current()) {
  return elbow::executor::reduce({"__reduce_add_sync", place}, mask, value, std::plus<>{});
}
template <class Integer>
Integer __reduce_min_sync(unsigned mask, Integer value,
                          std::source_location place = std::source_location::current()) {
  return elbow::executor::reduce({"__reduce_min_sync", place}, mask, value,
                                 [](Integer a, Integer b) { return a < b ? a : b; });
}
template <class Integer>
Integer __reduce_max_sync(unsigned mask, Integer value,
                          std::source_location place = std::source_location::current()) {
  return elbow::executor::reduce({"__reduce_max_sync", place}, mask, value,
                                 [](Integer a, Integer b) { return a < b ? b : a; });
}

// --- Atomics, on integers only: sums of floats in any order are not wanted. Real atomics, so that the race
// detector tells them from plain accesses; another thread may come between any two.

namespace elbow::executor {

template <class T, class Operation>
T atomically(T* address, Operation operation) {
  static_assert(std::is_integral_v<T>);
  before_atomic(address);
  const T old = operation();
  after_atomic(address);
  return old;
}

}  // namespace elbow::executor

template <class T>
T atomicAdd(T* address, std::type_identity_t<T> value) {
  return elbow::executor::atomically(address,
                                     [=] { return __atomic_fetch_add(address, value, __ATOMIC_RELAXED); });
}
template <class T>
T atomicExch(T* address, std::type_identity_t<T> value) {
  return elbow::executor::atomically(address,
                                     [=] { return __atomic_exchange_n(address, value, __ATOMIC_RELAXED); });
}
template <class T>
T atomicCAS(T* address, std::type_identity_t<T> expected, std::type_identity_t<T> value) {
  return elbow::executor::atomically(address, [=] {
    T found = expected;
    __atomic_compare_exchange_n(address, &found, value, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
    return found;
  });
}
template <class T>
T atomicMax(T* address, std::type_identity_t<T> value) {
  T found = atomicAdd(address, 0);
  for (T old = found; found < value; old = found) {
    if ((found = atomicCAS(address, old, value)) == old) break;
  }
  return found;
}

// --- Copies that take their time: nothing arrives before the wait for it

inline void __pipeline_memcpy_async(void* shared, const void* global, std::size_t bytes,
                                    std::size_t zeros = 0) {
  elbow::executor::copy_later(shared, global, bytes, zeros);
}
inline void __pipeline_commit() { elbow::executor::commit_copies(); }
inline void __pipeline_wait_prior(unsigned newest) {
  elbow::executor::Copy copy;
  while (elbow::executor::next_copy(newest, copy)) {
    std::memcpy(copy.shared, copy.global, copy.bytes - copy.zeros);
    std::memset(static_cast<std::byte*>(copy.shared) + copy.bytes - copy.zeros, 0, copy.zeros);
  }
}

// --- Tensor cores (kernels/tensor_tile.cuh)

#define ELBOW_MULTIPLY_ADD_TILE

namespace elbow::kernels::cuda {

/// The executor's: each sum in float64, rounded once.
inline void multiply_add_tile(float (&sum)[4], const std::uint32_t (&left)[4],
                              const std::uint32_t (&right)[2],
                              std::source_location place = std::source_location::current()) {
  using executor::Word;
  executor::check_tf32({left[0], left[1], left[2], left[3], right[0], right[1]});
  const auto show = [&](Word first, Word second) {
    return executor::exchange({"multiply_add_tile", place}, 0xffffffffu, second << 32 | first);
  };
  const executor::Words shallow = show(left[0], left[1]), deep = show(left[2], left[3]);
  const executor::Words columns = show(right[0], right[1]);
  const auto half = [](Word pair, int which) {
    return double{std::bit_cast<float>(static_cast<std::uint32_t>(pair >> 32 * which))};
  };
  const int lane = executor::lane_index();
  for (int i = 0; i < 4; ++i) {
    double total = double{sum[i]};
    for (int k = 0; k < 4; ++k) {
      const int of_row = lane / 4 * 4 + k, of_column = (lane % 4 * 2 + i % 2) * 4 + k;
      total += half(shallow[of_row], i / 2) * half(columns[of_column], 0);
      total += half(deep[of_row], i / 2) * half(columns[of_column], 1);
    }
    sum[i] = static_cast<float>(total);
  }
}

}  // namespace elbow::kernels::cuda
