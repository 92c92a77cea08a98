#pragma once
// Strided index spaces as kernels take them: axes merged on the host, offsets worked out per element.
#include "kernels/strides.h"
#include "kernels/types.h"

namespace elbow::kernels::cuda {

/// A row-major index space of `operands` operands, right-aligned in max_rank axes, extent 1 in front.
template <int operands>
struct StridedSpace {
  StridedSpace(Extents extents, std::array<Extents, operands> element_strides) {
    merge_axes(extents, element_strides);
    for (int axis = 0; axis < max_rank; ++axis) {
      shape[axis] = extents[axis];
      for (int operand = 0; operand < operands; ++operand)
        strides[operand][axis] = element_strides[operand][axis];
    }
  }

  Index count() const {
    Index product = 1;
    for (Index extent : shape) product *= extent;
    return product;
  }

  /// True if every operand is one gapless row.
  bool contiguous() const {
    bool result = count() == shape[max_rank - 1];
    for (const auto& operand : strides) result = result && operand[max_rank - 1] == 1;
    return result;
  }

  Index shape[max_rank];
  Index strides[operands][max_rank];
};

/// Element offset of each operand at element `i` of the space.
template <int operands>
__device__ __forceinline__ void offsets_at(const StridedSpace<operands>& space, Index i,
                                           Index (&offsets)[operands]) {
  for (Index& offset : offsets) offset = 0;
#pragma unroll
  for (int axis = max_rank - 1; axis >= 0; --axis) {
    if (space.shape[axis] == 1) continue;
    const Index outer = i / space.shape[axis];
    const Index position = i - outer * space.shape[axis];
    for (int operand = 0; operand < operands; ++operand)
      offsets[operand] += position * space.strides[operand][axis];
    i = outer;
  }
}

}  // namespace elbow::kernels::cuda
