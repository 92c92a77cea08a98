#pragma once
// Tensor cores: one warp multiplies a tile, 16x8 (+)= 16x8 times 8x8, in TF32 with sums in float32.
//
// Source: PTX ISA, "Matrix Fragments for mma.m16n8k8", .tf32. Each lane holds a fragment of each matrix:
//   left[i]    row lane / 4 + i % 2 * 8,   depth lane % 4 + i / 2 * 4
//   right[i]   depth lane % 4 + i * 4,     column lane / 4
//   sum[i]     row lane / 4 + i / 2 * 8,   column lane % 4 * 2 + i % 2
// In which order a tile is summed, and how it is rounded, is up to the hardware.
#include <cstdint>
#include <cstring>

#include "kernels/launch.cuh"

namespace elbow::kernels::cuda {

/// The bits of the TF32 number nearest to `value`: 10 bits behind the point, ties away from zero.
__device__ __forceinline__ std::uint32_t to_tf32(float value) {
  std::uint32_t bits;
  memcpy(&bits, &value, sizeof(bits));
  const bool is_nan = (bits & 0x7fffffffu) > 0x7f800000u;
  return is_nan ? 0x7fffe000u : (bits + 0x1000u) & ~0x1fffu;
}

// The executor of the tests brings its own (tests/executor/cuda_language.h).
#ifndef ELBOW_MULTIPLY_ADD_TILE
/// sum += left * right, by all lanes of the warp together. Operands are bits that to_tf32 gives.
__device__ __forceinline__ void multiply_add_tile(float (&sum)[4], const std::uint32_t (&left)[4],
                                                  const std::uint32_t (&right)[2]) {
  asm volatile(
      "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
      "{%0, %1, %2, %3};"
      : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
      : "r"(left[0]), "r"(left[1]), "r"(left[2]), "r"(left[3]), "r"(right[0]), "r"(right[1]));
}
#endif

}  // namespace elbow::kernels::cuda
