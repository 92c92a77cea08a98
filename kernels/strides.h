#pragma once
// Walking strided index spaces: contiguous axes are merged, then the last axis is one inner loop.
#include "kernels/types.h"

namespace elbow::kernels {

/// Drops axes of extent 1 and merges neighbouring axes that all operands walk without a gap, so that the last
/// axis is as long as it can be. `strides` holds each operand's strides; arrays stay right-aligned, filled up
/// with extent 1.
template <std::size_t operands>
void merge_axes(Extents& shape, std::array<Extents, operands>& strides) {
  int last = max_rank - 1;
  for (int axis = max_rank - 2; axis >= 0; --axis) {
    if (shape[axis] == 1) continue;
    bool merges = true;
    for (const Extents& s : strides) merges = merges && s[axis] == s[last] * shape[last];
    if (merges || shape[last] == 1) {
      if (!merges) {
        for (Extents& s : strides) s[last] = s[axis];
      }
      shape[last] *= shape[axis];
    } else {
      --last;
      shape[last] = shape[axis];
      for (Extents& s : strides) s[last] = s[axis];
    }
  }
  for (int axis = last - 1; axis >= 0; --axis) {
    shape[axis] = 1;
    for (Extents& s : strides) s[axis] = 0;
  }
}

/// Calls `row(offsets)` for every index of all axes but the last, row-major; `offsets` are the operands'
/// element offsets.
template <std::size_t operands, class Row>
void for_each_row(const Extents& shape, const std::array<Extents, operands>& strides, Row row) {
  static_assert(max_rank == 5);
  for (Index extent : shape) {
    if (extent == 0) return;
  }
  std::array<Index, operands> offsets;
  for (Index i0 = 0; i0 < shape[0]; ++i0) {
    for (Index i1 = 0; i1 < shape[1]; ++i1) {
      for (Index i2 = 0; i2 < shape[2]; ++i2) {
        for (Index i3 = 0; i3 < shape[3]; ++i3) {
          for (std::size_t k = 0; k < operands; ++k) {
            const Extents& s = strides[k];
            offsets[k] = i0 * s[0] + i1 * s[1] + i2 * s[2] + i3 * s[3];
          }
          row(offsets);
        }
      }
    }
  }
}

}  // namespace elbow::kernels
