#include "engine/shape.h"

#include <fmt/format.h>

#include <algorithm>

#include "kernels/error.h"

namespace elbow {

Shape::Shape(std::initializer_list<Index> extents) {
  for (Index extent : extents) append(extent);
}

void Shape::append(Index extent) {
  if (rank_ == max_rank) throw UsageError(fmt::format("[shape] expected at most {} axes", max_rank));
  if (extent < 0) throw UsageError(fmt::format("[shape] expected extents of 0 or more, got {}", extent));
  extents_[rank_++] = extent;
}

Index Shape::count() const {
  Index count = 1;
  for (int axis = 0; axis < rank_; ++axis) count *= extents_[axis];
  return count;
}

bool Shape::operator==(const Shape& other) const {
  return rank_ == other.rank_ &&
         std::equal(extents_.begin(), extents_.begin() + rank_, other.extents_.begin());
}

std::string to_string(const Shape& shape) {
  std::string text = "(";
  for (int axis = 0; axis < shape.rank(); ++axis)
    text += fmt::format("{}{}", axis > 0 ? ", " : "", shape[axis]);
  return text + (shape.rank() == 1 ? ",)" : ")");
}

Shape broadcast(const char* operation, const Shape& left, const Shape& right) {
  Shape result = left.rank() >= right.rank() ? left : right;
  const int shared = std::min(left.rank(), right.rank());
  for (int axis = -1; axis >= -shared; --axis) {
    if (left[axis] != right[axis] && left[axis] != 1 && right[axis] != 1) {
      throw UsageError(fmt::format("[{}] expected shapes that broadcast, got {} and {}", operation,
                                   to_string(left), to_string(right)));
    }
    result.set(axis, left[axis] == 1 ? right[axis] : left[axis]);
  }
  return result;
}

Extents broadcast_strides(const Shape& shape, const Shape& target) {
  Extents strides{};
  Index stride = 1;
  for (int axis = -1; axis >= -shape.rank(); --axis) {
    strides[max_rank + axis] = shape[axis] == 1 && target[axis] != 1 ? 0 : stride;
    stride *= shape[axis];
  }
  return strides;
}

Extents padded(const Shape& shape) {
  Extents extents;
  extents.fill(1);
  for (int axis = -1; axis >= -shape.rank(); --axis) extents[max_rank + axis] = shape[axis];
  return extents;
}

}  // namespace elbow
