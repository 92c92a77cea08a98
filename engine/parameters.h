#pragma once
// A model's parameters as data: one flat tensor, cut into named leaves. A model is then a function of its
// parameters, and the best, the present or a loaded set are all passed alike.
#include <string>
#include <vector>

#include "engine/random.h"
#include "engine/variable.h"

namespace elbow {

/// Names and shapes, in the order in which modules ask for them.
class ParameterLayout {
 public:
  /// Returns the new parameter's index.
  int add(std::string name, const Shape& shape);
  int size() const { return static_cast<int>(entries_.size()); }
  const std::string& name(int index) const { return entries_[index].name; }
  const Shape& shape(int index) const { return entries_[index].shape; }
  Index count() const { return count_; }                            ///< elements in all
  Index offset(int index) const { return entries_[index].offset; }  ///< of the first element

 private:
  struct Entry {
    std::string name;
    Shape shape;
    Index offset;
  };
  std::vector<Entry> entries_;
  Index count_ = 0;
};

class Parameters {
 public:
  /// All zeros.
  Parameters(const ParameterLayout&, DType, Device = Device::cpu);
  /// The values of `flat`, in its memory, as leaves of their own: for a tape on another thread.
  Parameters(const ParameterLayout&, const Tensor& flat);

  const Variable& operator[](int index) const { return variables_[index]; }
  const Variables& variables() const { return variables_; }
  /// All values, one after the other. Writing to it changes the parameters.
  Tensor& flat() { return flat_; }
  const Tensor& flat() const { return flat_; }
  /// Overwrites one parameter.
  void assign(int index, const Tensor& value);

 private:
  Tensor flat_;
  Variables variables_;
};

}  // namespace elbow
