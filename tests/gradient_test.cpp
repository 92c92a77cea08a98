// Second truth: every operation's gradient, and the gradient of its gradient, against the complex step
// Im f(x + i h e_j) / h, which neither cancels nor truncates, or where there is no complex kernel against
// central differences of sixth order. All in float64, every element of every operand.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "tests/compare.h"
#include "tests/evaluate.h"
#include "tests/golden.h"

namespace elbow::test {
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

/// What central_differences is off by, of the largest derivative.
constexpr double difference_error = 1e-9;

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

/// A projection that is curved, so that a linear operation has a second derivative to check too.
Variable project_curved(const Case& c, const Variables& outputs) {
  Variables curved;
  for (const Variable& output : outputs) curved.push_back(output + square(output));
  return project(c, curved);
}

/// From derivative i and the largest value it has: how far two computations of it may be apart.
using Limit = std::function<double(std::size_t i, double size)>;

/// Holds `analytic` against d scalar / d operands by the complex step or by differences.
void check(const Case& c, const Gradients& analytic, const std::function<Variable(const Variables&)>& scalar,
           const Limit& limit) {
  const Variables operands = make_operands(c, c.has(real_only) ? DType::float64 : DType::complex128);
  const bool has_outputs = c.build(operands).front().value().count() > 0;
  std::size_t next = 0;
  for (std::size_t i = 0; i < operands.size(); ++i) {
    if (c.operands[i].role == Role::constant) continue;
    const Tensor x = operands[i].value();
    const std::vector<double> numeric =
        c.has(real_only) ? central_differences(x, [&] { return scalar(operands).value().item(); })
                         : complex_step(x, [&] { return only_element(scalar(operands)); });
    const double size = norm(numeric);
    const Tensor& found = analytic[next].value();
    EXPECT_TRUE(agree(fmt::format("derivative by operand {}", i), found, numeric, x.shape(),
                      c.has(real_only) ? difference_error * size : limit(next, size)));
    const bool expect_zero = x.count() == 0 || !has_outputs || c.operands[i].role == Role::without_effect;
    EXPECT_EQ(norm(found.to_vector<double>()) == 0, expect_zero) << "derivative by operand " << i;
    ++next;
  }
}

TEST(Gradient, FirstOrder) {
  for (const Case& c : cases()) {
    SCOPED_TRACE(c.name);
    const std::vector<GoldenArray> golden = golden_of(c);
    const Variables operands = make_operands(c, DType::float64);
    const std::size_t outputs = c.build(operands).size();
    check(
        c, gradients_of(c, c.build, operands), [&c](const Variables& x) { return project(c, c.build(x)); },
        // Twice: the complex step rounds as often as the gradient it checks.
        [&](std::size_t i, double) {
          return 2 * c.roundings() * epsilon(DType::float64) * golden[outputs + i].norm;
        });
  }
}

TEST(Gradient, SecondOrder) {
  for (const Case& c : cases()) {
    if (c.has(once)) continue;
    SCOPED_TRACE(c.name);
    const Variables operands = make_operands(c, DType::float64);
    const Gradients first =
        gradients(project_curved(c, c.build(operands)), differentiated(c, operands), true);
    // Sums over the elements of the operands, through two passes forward and back; the largest first or
    // second derivative stands for the largest term.
    double roundings = 4 * c.roundings();
    for (const Variable& operand : operands) roundings += static_cast<double>(operand.value().count());
    double largest = 0;
    for (const Variable& g : first) largest = std::max(largest, norm(g.value().to_vector<double>()));
    check(
        c, gradients(project_gradients(c, first), differentiated(c, operands)),
        [&c](const Variables& x) {
          return project_gradients(c, gradients(project_curved(c, c.build(x)), differentiated(c, x)));
        },
        [&](std::size_t, double size) {
          return roundings * epsilon(DType::float64) * std::max(size, largest);
        });
  }
}

TEST(Gradient, FusedAgreesWithItsTwin) {
  for (const Case& c : cases()) {
    if (c.twin == nullptr) continue;
    SCOPED_TRACE(c.name);
    const std::vector<GoldenArray> golden = golden_of(c);
    for (const DType dtype : {DType::float64, DType::float32}) {
      const Evaluation fused = evaluate(c, c.build, dtype);
      const Evaluation twin = evaluate(c, c.twin, dtype);
      for (std::size_t i = 0; i < golden.size(); ++i) {
        EXPECT_TRUE(agree(fmt::format("{} array {}", name(dtype), i), fused.arrays[i],
                          twin.arrays[i].to_vector<double>(), golden[i].shape,
                          2 * c.roundings() * epsilon(dtype) * golden[i].norm));
      }
    }
  }
}

TEST(Gradient, RunsAgainToTheBit) {
  for (const Case& c : cases()) {
    SCOPED_TRACE(c.name);
    for (const DType dtype : {DType::float32, DType::float64}) {
      const Evaluation first = evaluate(c, c.build, dtype);
      const Evaluation second = evaluate(c, c.build, dtype);
      for (std::size_t i = 0; i < first.arrays.size(); ++i) {
        EXPECT_TRUE(same_bits(first.arrays[i], second.arrays[i])) << name(dtype) << " array " << i;
      }
    }
  }
}

}  // namespace
}  // namespace elbow::test
