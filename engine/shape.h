#pragma once
// Extents of a tensor, outermost first, stored inline; at most max_rank axes.
#include <initializer_list>
#include <string>

#include "kernels/types.h"

namespace elbow {

class Shape {
 public:
  Shape() = default;
  Shape(std::initializer_list<Index> extents);

  int rank() const { return rank_; }
  /// Extent of an axis; negative axes count from the end.
  Index operator[](int axis) const { return extents_[axis < 0 ? axis + rank_ : axis]; }
  void set(int axis, Index extent) { extents_[axis < 0 ? axis + rank_ : axis] = extent; }
  void append(Index extent);
  Index count() const;  ///< product of the extents; 1 for a scalar
  bool operator==(const Shape& other) const;
  bool operator!=(const Shape& other) const { return !(*this == other); }

 private:
  Extents extents_{};
  int rank_ = 0;
};

/// "(8, 3, 2)"
std::string to_string(const Shape&);

/// The shape both broadcast to, numpy's rule; throws UsageError naming `operation` if there is none.
Shape broadcast(const char* operation, const Shape& left, const Shape& right);

/// Row-major strides of `shape` seen as `target` (which it broadcasts to), right-aligned in max_rank axes; 0
/// where the axis repeats.
Extents broadcast_strides(const Shape& shape, const Shape& target);

/// `shape` right-aligned in max_rank axes, 1 in front.
Extents padded(const Shape& shape);

}  // namespace elbow
