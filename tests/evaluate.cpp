#include "tests/evaluate.h"

#include <cstring>
#include <limits>

namespace elbow::test {
namespace {

Tensor tensor_of(const std::vector<double>& values, const Shape& shape, DType dtype, Device device) {
  return with_type(dtype, [&]<class T>() {
    return Tensor::from(std::vector<T>(values.begin(), values.end()), shape, device);
  });
}

Variable weighted_sum(const Case& c, std::size_t stream, const Variable& x) {
  const Tensor weights =
      tensor_of(draw_weights(c, stream, x.value().count()), x.shape(), x.dtype(), x.device());
  return sum(Variable(weights) * x);
}

Variable total(const Variables& terms) {
  Variable result = terms.front();
  for (std::size_t i = 1; i < terms.size(); ++i) result = result + terms[i];
  return result;
}

}  // namespace

Variables make_operands(const Case& c, DType dtype, Device device) {
  Variables operands;
  for (std::size_t i = 0; i < c.operands.size(); ++i) {
    const Operand& operand = c.operands[i];
    operands.emplace_back(tensor_of(draw_operand(c, i), operand.shape, dtype, device),
                          operand.role != Role::constant);
  }
  return operands;
}

Variables differentiated(const Case& c, const Variables& operands) {
  Variables chosen;
  for (std::size_t i = 0; i < operands.size(); ++i) {
    if (c.operands[i].role != Role::constant) chosen.push_back(operands[i]);
  }
  return chosen;
}

Variable project(const Case& c, const Variables& outputs) {
  Variables terms;
  for (const Variable& output : outputs) terms.push_back(weighted_sum(c, terms.size(), output));
  return total(terms);
}

Variable project_gradients(const Case& c, const Gradients& gradients) {
  Variables terms;
  for (const Variable& gradient : gradients) terms.push_back(weighted_sum(c, 50 + terms.size(), gradient));
  return total(terms);
}

Gradients gradients_of(const Case& c, Build build, const Variables& operands, bool create_graph) {
  return gradients(project(c, build(operands)), differentiated(c, operands), create_graph);
}

Evaluation evaluate(const Case& c, Build build, DType dtype, Device device) {
  const Variables operands = make_operands(c, dtype, device);
  const Variables outputs = build(operands);
  Evaluation result;
  for (const Variable& output : outputs) result.arrays.push_back(output.value());
  result.outputs = result.arrays.size();
  for (const Variable& gradient : gradients(project(c, outputs), differentiated(c, operands))) {
    result.arrays.push_back(gradient.value());
  }
  return result;
}

double epsilon(DType dtype) {
  return dtype == DType::float32 ? std::numeric_limits<float>::epsilon()
                                 : std::numeric_limits<double>::epsilon();
}

bool same_bits(const Tensor& left, const Tensor& right) {
  if (left.shape() != right.shape() || left.dtype() != right.dtype()) return false;
  const Tensor a = left.to(Device::cpu), b = right.to(Device::cpu);
  return a.count() == 0 || std::memcmp(a.address(), b.address(), a.bytes()) == 0;
}

}  // namespace elbow::test
