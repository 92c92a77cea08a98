#include "engine/parameters.h"

namespace elbow {

int ParameterLayout::add(std::string name, const Shape& shape) {
  entries_.push_back({std::move(name), shape, count_});
  count_ += shape.count();
  return size() - 1;
}

Parameters::Parameters(const ParameterLayout& layout, DType dtype, Device device)
    : Parameters(layout, Tensor::zeros({layout.count()}, dtype, device)) {}

Parameters::Parameters(const ParameterLayout& layout, const Tensor& flat) : flat_(flat) {
  for (int i = 0; i < layout.size(); ++i) {
    variables_.emplace_back(flat_.part(layout.offset(i), layout.shape(i)), true);
  }
}

void Parameters::assign(int index, const Tensor& value) {
  Tensor target = variables_[index].value();
  target.assign(value);
}

}  // namespace elbow
