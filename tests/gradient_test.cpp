// Second truth: every operation's gradient, and the gradient of its gradient, against the complex step
// Im f(x + i h e_j) / h, which neither cancels nor truncates, or where there is no complex kernel against central
// differences of sixth order. All in float64, every element of every operand.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <functional>

#include "tests/compare.h"
#include "tests/evaluate.h"
#include "tests/parameterized.h"

namespace elbow::tests {

namespace {

/// df / dx_j for every element of x, where f reads x's memory.
std::vector<double> complex_step(const Tensor& x, const std::function<Complex()>& f) {
  constexpr double h = 1e-30;
  std::vector<double> result;
  for (Index j = 0; j < x.count(); ++j) {
    Complex& element = x.data<Complex>()[j];
    const Complex before = element;
    element += Complex(0, h);
    result.push_back(f().imag() / h);
    element = before;
  }
  return result;
}

std::vector<double> central_differences(const Tensor& x, const std::function<double()>& f) {
  // Truncation h^6 f''''''' / 140 against rounding eps f / h: both near 1e-11 for f of order one.
  constexpr double h = 2e-3;
  std::vector<double> result;
  for (Index j = 0; j < x.count(); ++j) {
    double& element = x.data<double>()[j];
    const double before = element;
    const auto difference = [&](double steps) {
      element = before + steps * h;
      const double above = f();
      element = before - steps * h;
      return above - f();
    };
    result.push_back((45 * difference(1) - 9 * difference(2) + difference(3)) / (60 * h));
    element = before;
  }
  return result;
}

Complex only_element(const Variable& x) { return x.value().to_vector<Complex>().front(); }

/// A projection of the squared outputs: unlike the outputs' own, its second derivative is not zero where the operation
/// is linear.
Variable project_squares(const Case& c, const Variables& outputs) {
  Variables squares;
  for (const Variable& output : outputs) squares.push_back(square(output));
  return project(c, squares);
}

/// A projection of the gradient of project_squares.
Variable project_first_order(const Case& c, Build build, const Variables& operands, bool create_graph) {
  return project_gradients(
      c, gradients(project_squares(c, build(operands)), differentiated(c, operands), create_graph));
}

class Gradient : public CaseTest {
 protected:
  /// Holds `analytic` against d scalar / d operands by the complex step or by differences.
  void check(const Gradients& analytic, const std::function<Variable(const Variables&)>& scalar) {
    const Case& c = GetParam();
    const DType dtype = c.has(real_only) ? DType::float64 : DType::complex128;
    const Variables operands = make_operands(c, dtype);
    const bool has_outputs = c.build(operands).front().value().count() > 0;
    std::size_t next = 0;
    for (std::size_t i = 0; i < operands.size(); ++i) {
      if (c.operands[i].role == Role::constant) continue;
      const Tensor x = operands[i].value();
      const std::vector<double> numeric =
          c.has(real_only) ? central_differences(x, [&] { return scalar(operands).value().item(); })
                           : complex_step(x, [&] { return only_element(scalar(operands)); });
      const Tensor& found = analytic[next++].value();
      const double size = norm(numeric);
      EXPECT_TRUE(agree(fmt::format("d {} / d operand {}", c.expression, i), found, numeric, x.shape(), limit(c, size)));
      const bool expect_zero = x.count() == 0 || !has_outputs || c.operands[i].role == Role::without_effect;
      EXPECT_EQ(norm(found.to_vector<double>()) == 0, expect_zero) << "gradient of operand " << i;
    }
  }

  static double limit(const Case& c, double size) {
    // The complex step rounds like the gradient it checks; forward, backward and again twice for second order.
    return c.has(real_only) ? 1e-9 * size : 4 * c.roundings() * epsilon(DType::float64) * size;
  }
};

TEST_P(Gradient, FirstOrder) {
  const Case& c = GetParam();
  check(gradients_of(c, c.build, make_operands(c, DType::float64)),
        [&c](const Variables& operands) { return project(c, c.build(operands)); });
}

TEST_P(Gradient, SecondOrder) {
  const Case& c = GetParam();
  if (c.has(once)) GTEST_SKIP() << "differentiable once";
  const Variables operands = make_operands(c, DType::float64);
  const Variable first = project_first_order(c, c.build, operands, true);
  check(gradients(first, differentiated(c, operands)),
        [&c](const Variables& x) { return project_first_order(c, c.build, x, false); });
}

TEST_P(Gradient, FusedAgreesWithItsTwin) {
  const Case& c = GetParam();
  if (c.twin == nullptr) GTEST_SKIP() << "not fused";
  for (const DType dtype : {DType::float64, DType::float32}) {
    const Evaluation fused = evaluate(c, c.build, dtype);
    const Evaluation twin = evaluate(c, c.twin, dtype);
    const auto compare = [&](const char* what, const std::vector<Tensor>& actual, const std::vector<Tensor>& expected) {
      ASSERT_EQ(actual.size(), expected.size());
      for (std::size_t i = 0; i < actual.size(); ++i) {
        const std::vector<double> values = expected[i].to_vector<double>();
        EXPECT_TRUE(agree(fmt::format("{} {} {}", name(dtype), what, i), actual[i], values, expected[i].shape(),
                          4 * c.roundings() * epsilon(dtype) * norm(values)));
      }
    };
    compare("output", fused.outputs, twin.outputs);
    compare("gradient", fused.gradients, twin.gradients);
  }
}

TEST_P(Gradient, RunsAgainToTheBit) {
  const Case& c = GetParam();
  for (const DType dtype : {DType::float32, DType::float64}) {
    const Evaluation first = evaluate(c, c.build, dtype);
    const Evaluation second = evaluate(c, c.build, dtype);
    for (std::size_t i = 0; i < first.outputs.size(); ++i) {
      EXPECT_TRUE(same_bits(first.outputs[i], second.outputs[i])) << name(dtype) << " output " << i;
    }
    for (std::size_t i = 0; i < first.gradients.size(); ++i) {
      EXPECT_TRUE(same_bits(first.gradients[i], second.gradients[i])) << name(dtype) << " gradient " << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, Gradient, ::testing::ValuesIn(cases()), readable_name);

}  // namespace

}  // namespace elbow::tests
