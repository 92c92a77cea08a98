#pragma once
// Runs a case: operands drawn, outputs built, and the gradients of a fixed random projection of the outputs,
// L = sum over outputs of sum(weights * output).
#include <span>
#include <vector>

#include "tests/cases.h"

namespace elbow::test {

/// The operands as leaves; constants require no gradient.
Variables make_operands(const Case&, DType, Device = Device::cpu);
/// Those of `operands` that a case differentiates by.
Variables differentiated(const Case&, const Variables& operands);
/// L, a scalar.
Variable project(const Case&, const Variables& outputs);
/// sum over gradients of sum(weights * gradient), with other weights than `project`.
Variable project_gradients(const Case&, const Gradients&);
/// dL / d differentiated operands.
Gradients gradients_of(const Case&, Build, const Variables& operands, bool create_graph = false);

struct Evaluation {
  std::vector<Tensor> arrays;  ///< the outputs, then the gradients
  std::size_t outputs;
};
Evaluation evaluate(const Case&, Build, DType, Device = Device::cpu);

/// Machine epsilon, 2^-23 or 2^-52.
double epsilon(DType);
bool same_bits(const Tensor&, const Tensor&);

}  // namespace elbow::test
