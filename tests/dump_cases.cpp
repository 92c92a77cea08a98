// Prints the cases with their operands and projection weights as JSON, for tests/golden/make_golden.py.
#include <fmt/format.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "tests/evaluate.h"

namespace elbow::test {
namespace {

nlohmann::json array(const Shape& shape, const std::vector<double>& values) {
  nlohmann::json extents = nlohmann::json::array();
  for (int axis = 0; axis < shape.rank(); ++axis) extents.push_back(shape[axis]);
  return {{"shape", extents}, {"values", values}};
}

nlohmann::json described(const Case& c) {
  nlohmann::json entry = {{"torch", c.torch}, {"fingerprint", fmt::format("{:016x}", fingerprint(c))}};
  for (std::size_t i = 0; i < c.operands.size(); ++i) {
    entry["operands"].push_back(array(c.operands[i].shape, draw_operand(c, i)));
    entry["operands"].back()["differentiated"] = c.operands[i].role != Role::constant;
  }
  const Variables outputs = c.build(make_operands(c, DType::float64));
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    entry["weights"].push_back(array(outputs[i].shape(), draw_weights(c, i, outputs[i].value().count())));
  }
  return entry;
}

}  // namespace
}  // namespace elbow::test

int main() {
  nlohmann::json all;
  for (const elbow::test::Case& c : elbow::test::cases()) all[c.golden] = elbow::test::described(c);
  std::cout << all.dump();
}
