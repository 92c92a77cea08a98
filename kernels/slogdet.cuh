#pragma once
// What the kernels of kernels/slogdet.h share. Which one runs goes by size: a thread, a few lanes of a warp, or a whole
// warp factors a matrix, and beyond that cuBLAS. All but the last read and write memory in order, by way of shared
// memory, and do the contract's arithmetic step by step.
#include "kernels/launch.cuh"
#include "kernels/slogdet_formulas.h"

namespace elbow::kernels::cuda {

inline constexpr Index slogdet_by_thread_up_to = 6;
inline constexpr Index slogdet_by_lanes_up_to = 16;

template <class T>
void launch_slogdet_by_thread(const Slogdet<T>&);
template <class T>
void launch_slogdet_by_lanes(const Slogdet<T>&);
template <class T>
void launch_slogdet_by_warp(const Slogdet<T>&);
/// Throws DeviceError naming the call of cuBLAS that failed.
template <class T>
void launch_slogdet_by_blas(const Slogdet<T>&);
/// Does those float matrices again in double that float cannot be trusted with; few are.
void launch_slogdet_in_double(const Slogdet<float>&);

inline Index blocks_for(Index count, Index per_block) { return (count + per_block - 1) / per_block; }

template <class T>
__device__ __forceinline__ MatrixState store_summary(const Slogdet<T>& a, Index b,
                                                     const PivotProduct<T>& product) {
  const Summary<T> result = summary(product);
  a.sign[b] = result.sign;
  a.log_abs_det[b] = result.log_abs_det;
  a.state[b] = result.state;
  return state_of(result.state);
}

template <class T>
__device__ __forceinline__ T reciprocal_of(T pivot) {
  return pivot == T(0) ? T(0) : T(1) / pivot;
}

/// What a lane offers as pivot; the better offer is larger, or as large and in an earlier place.
template <class T>
struct Offer {
  BitsOf<T> magnitude;
  int place;
  int lane;

  __device__ __forceinline__ void improve(const Offer& other) {
    const bool better = other.magnitude > magnitude || (other.magnitude == magnitude && other.place < place);
    magnitude = better ? other.magnitude : magnitude;
    place = better ? other.place : place;
    lane = better ? other.lane : lane;
  }
};

constexpr unsigned all_lanes = 0xffffffffu;

/// The best offer of each group of `width` lanes, known to all of them.
template <int width, class T>
__device__ __forceinline__ Offer<T> best_offer(Offer<T> offer) {
#pragma unroll
  for (int distance = width / 2; distance > 0; distance /= 2) {
    offer.improve({__shfl_xor_sync(all_lanes, offer.magnitude, distance, width),
                   __shfl_xor_sync(all_lanes, offer.place, distance, width),
                   __shfl_xor_sync(all_lanes, offer.lane, distance, width)});
  }
  return offer;
}

}  // namespace elbow::kernels::cuda
