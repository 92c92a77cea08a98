#pragma once
// Where the steps of kernels/vae_steps.cu keep their numbers, and who makes them: a block of threads together, or each of its
// warps with samples of its own.
//
// A team says how many threads it has, which samples of a mini-batch are its own, how it waits for all of its threads, which tiles
// of a product its threads work on, and how such tiles, a warp's at a time, are shared out.
#include <utility>

#include "kernels/launch.cuh"
#include "kernels/vae_steps_layout.h"

namespace elbow::kernels::cuda {

inline constexpr int vae_steps_threads = 256;
inline constexpr int vae_steps_warps = vae_steps_threads / 32;

/// An array in shared memory, by its place: the compiler knows then what it fetches from.
template <class T>
struct Near {
  int place;
  __device__ __forceinline__ T& operator[](int i) const {
    ELBOW_DYNAMIC_SHARED(T, shared);
    return shared[place + i];
  }
  __device__ __forceinline__ Near operator+(int i) const { return {place + i}; }
};

/// An array in a model's workspace.
template <class T>
struct Far {
  int place;
  __device__ __forceinline__ T* in(void* workspace) const { return static_cast<T*>(workspace) + place; }
};

/// Memory of a block and its model, of numbers as large as a word.
template <class T>
struct BlockMemory {
  static_assert(sizeof(T) == sizeof(std::uint32_t));
  using Number = T;
  using Near = cuda::Near<T>;
  using Far = cuda::Far<T>;
  using FarWords = cuda::Far<std::uint32_t>;
};

/// Places that are handed out from 0 on.
template <template <class> class Array, class T>
struct Places {
  int taken = 0;
  ELBOW_HD constexpr Array<T> take(Index count) { return {next(count)}; }
  ELBOW_HD constexpr Array<std::uint32_t> take_words(Index count) { return {next(count)}; }

 private:
  ELBOW_HD constexpr int next(Index count) {
    const int place = taken;
    taken += static_cast<int>(VaeStepsPadding::multiple(count, vae_steps_alignment));
    return place;
  }
};

/// The layout of a model whose shapes are known when it runs.
template <class T>
struct AnyLayout : VaeStepsLayout<BlockMemory<T>> {
  static constexpr Index known_layers = 0;
  ELBOW_HD constexpr void lay_out(const VaeSteps<T>& a) {
    Places<Near, T> near;
    Places<Far, T> far;
    VaeStepsLayout<BlockMemory<T>>::lay_out(a, apart_in_banks(), near, far);
  }
};

/// Of one whose shapes the compiler knows: then every place is a number in an instruction.
template <class T, class Shapes>
struct KnownLayout : AnyLayout<T> {
  static constexpr Index known_layers = Shapes::steps().encoder.layers;
  ELBOW_HD constexpr KnownLayout() : AnyLayout<T>{} { this->lay_out(Shapes::steps()); }
};

/// Calls use(i) for i in [0, layers), and known_layers are as many unless they are 0.
template <Index known_layers, class Use>
__device__ __forceinline__ void for_layers(Index layers, const Use& use) {
  if constexpr (known_layers > 0) {
    [&]<int... i>(std::integer_sequence<int, i...>) ELBOW_INLINED { (use(Index{i}), ...); }
    (std::make_integer_sequence<int, static_cast<int>(known_layers)>{});
  } else {
#pragma unroll 1
    for (Index i = 0; i < layers; ++i) use(i);
  }
}

/// What a thread has of a product, and how many of a warp's threads are side by side.
template <int rows_, int columns_, int across_>
struct Tile {
  static constexpr int rows = rows_, columns = columns_, across = across_, down = 32 / across;
};

struct Samples {
  int first, count;
};

/// Small products leave most threads idle in large tiles.
enum class Tiles { all_sizes, two_by_two };

template <Tiles tiles>
class WholeBlock {
 public:
  static constexpr int threads = vae_steps_threads, samples_at_once = 64;
  static constexpr bool is_block = true;
  __device__ __forceinline__ static int index() { return thread_index(); }
  __device__ __forceinline__ static void wait() { __syncthreads(); }
  __device__ __forceinline__ static Samples samples(Index batch) { return {0, static_cast<int>(batch)}; }

  template <class Use>
  __device__ __forceinline__ static void with_tile(int outputs, const Use& use) {
    if constexpr (tiles == Tiles::two_by_two) {
      use(Tile<2, 2, 8>{});
    } else if (outputs <= threads) {
      use(Tile<1, 1, 8>{});
    } else if (outputs <= 4 * threads) {
      use(Tile<2, 2, 8>{});
    } else {
      use(Tile<4, 4, 8>{});
    }
  }

  /// Calls use(row, column) for rows x columns pieces of work, on a warp each. The next call goes on with the warp after the last
  /// one, so that several small products are worked on side by side.
  template <class Use>
  __device__ __forceinline__ void share_out(int rows, int columns, const Use& use) {
    const int own = (thread_index() / 32 + vae_steps_warps - turn_) % vae_steps_warps;
    for (int i = own; i < rows * columns; i += vae_steps_warps) use(i / columns, i % columns);
    turn_ = (turn_ + rows * columns) % vae_steps_warps;
  }

 private:
  int turn_ = 0;
};

/// A warp has whole groups of 4 samples, which are fetched and stored at once.
class OneWarp {
 public:
  static constexpr int threads = 32, samples_at_once = 8;
  static constexpr bool is_block = false;
  __device__ __forceinline__ static int index() { return thread_index() % 32; }
  __device__ __forceinline__ static void wait() { __syncwarp(); }
  __device__ __forceinline__ static Samples samples(Index batch) {
    constexpr int group = 4;
    const int all = static_cast<int>(batch);
    const int each = (all + group * vae_steps_warps - 1) / (group * vae_steps_warps) * group;
    const int first = thread_index() / 32 * each, left = all - first;
    if (all == each * vae_steps_warps || left > each) return {first, each};
    return {first, left > 0 ? left : 0};
  }

  template <class Use>
  __device__ __forceinline__ static void with_tile(int outputs, const Use& use) {
    if (outputs <= threads) {
      use(Tile<1, 1, 8>{});
    } else if (outputs <= 2 * threads) {
      use(Tile<1, 2, 4>{});
    } else {
      use(Tile<2, 4, 2>{});
    }
  }

  template <class Use>
  __device__ __forceinline__ static void share_out(int rows, int columns, const Use& use) {
    for (int row = 0; row < rows; ++row) {
      for (int column = 0; column < columns; ++column) use(row, column);
    }
  }
};

/// Calls use(i) for this thread's share of [0, count), of the block's.
template <class Use>
__device__ __forceinline__ void for_own(Index count, Use use) {
  const int end = static_cast<int>(count);
  for (int i = thread_index(); i < end; i += vae_steps_threads) use(i);
}

/// Calls use(row, sample, place) for this thread's share of (rows, the team's samples of a batch), rows being `stride` apart.
template <class Team, class Use>
__device__ __forceinline__ void for_own_samples(Team, Index rows, Index batch, Index stride, Use use) {
  constexpr int across = Team::samples_at_once, down = Team::threads / across;
  const Samples own = Team::samples(batch);
  const int end = static_cast<int>(rows), from_row_to_row = static_cast<int>(stride);
  for (int s = Team::index() % across; s < own.count; s += across) {
    for (int row = Team::index() / across; row < end; row += down) {
      use(row, own.first + s, row * from_row_to_row + own.first + s);
    }
  }
}

/// Neighbouring numbers that are fetched or stored at once.
template <class T, int length>
struct alignas(length * sizeof(T)) Numbers {
  T value[length];
  __device__ __forceinline__ static Numbers& at(T& first) { return reinterpret_cast<Numbers&>(first); }
};

}  // namespace elbow::kernels::cuda
