#pragma once
// The element-wise functions of one argument, each a functor f(x, p) for every scalar type; p is its
// parameter. To add one: its functor, and its name in ELBOW_UNARY_FUNCTIONS.
#include "kernels/gamma.h"
#include "kernels/math.h"
#include "kernels/types.h"

// clang-format off
#define ELBOW_UNARY_FUNCTIONS(X) \
  X(negate) X(absolute) X(sign) X(reciprocal) X(square) X(square_root) X(power) X(scale) X(shift) \
  X(exponential) X(logarithm) X(sine) X(cosine) X(log_gamma) X(digamma) \
  X(tanh) X(sigmoid) X(softplus) X(relu) X(leaky_relu) X(step) X(smooth_leaky_relu) X(smooth_leaky_relu_slope) \
  X(gelu) X(gelu_slope) X(silu)
// clang-format on

namespace elbow::kernels {

enum class UnaryFunction {
#define ELBOW_NAME(name) name,
  ELBOW_UNARY_FUNCTIONS(ELBOW_NAME)
#undef ELBOW_NAME
};

#define ELBOW_UNARY(name, expression)                        \
  struct name {                                              \
    template <class T>                                       \
    ELBOW_HD T operator()(T x, [[maybe_unused]] T p) const { \
      return expression;                                     \
    }                                                        \
  };

namespace unary_functions {

ELBOW_UNARY(negate, -x)
ELBOW_UNARY(absolute, math::absolute(x))
ELBOW_UNARY(sign, math::sign(x))
ELBOW_UNARY(reciprocal, T(1) / x)
ELBOW_UNARY(square, x* x)
ELBOW_UNARY(square_root, math::sqrt(x))
ELBOW_UNARY(scale, p* x)
ELBOW_UNARY(shift, x + p)
ELBOW_UNARY(exponential, math::exp(x))
ELBOW_UNARY(logarithm, math::log(x))
ELBOW_UNARY(sine, math::sin(x))
ELBOW_UNARY(cosine, math::cos(x))
ELBOW_UNARY(tanh, math::tanh(x))
ELBOW_UNARY(sigmoid, math::sigmoid(x))
ELBOW_UNARY(softplus, math::softplus(x))
ELBOW_UNARY(relu, math::positive(x) ? x : T(0))
/// x for x > 0, else p x.
ELBOW_UNARY(leaky_relu, math::positive(x) ? x : p* x)
/// 1 for x > 0, else p: the slope of leaky_relu.
ELBOW_UNARY(step, math::positive(x) ? T(1) : p)
ELBOW_UNARY(smooth_leaky_relu, math::smooth_leaky_relu(x, p, math::decay(x)))
ELBOW_UNARY(smooth_leaky_relu_slope, math::smooth_leaky_relu_slope(x, p, math::decay(x)))
ELBOW_UNARY(gelu, math::gelu(x, math::gelu_tanh(x)))
ELBOW_UNARY(gelu_slope, math::gelu_slope(x, math::gelu_tanh(x)))
ELBOW_UNARY(silu, x* math::sigmoid(x))
/// x^p, x > 0.
ELBOW_UNARY(power, math::exp(p* math::log(x)))
ELBOW_UNARY(log_gamma, math::log_gamma(x))
ELBOW_UNARY(digamma, math::digamma(x))

}  // namespace unary_functions
#undef ELBOW_UNARY

/// Calls `use(functor)` with the functor that `function` names.
template <class Use>
void with_function(UnaryFunction function, Use use) {
  switch (function) {
#define ELBOW_CASE(name)    \
  case UnaryFunction::name: \
    return use(unary_functions::name{});
    ELBOW_UNARY_FUNCTIONS(ELBOW_CASE)
#undef ELBOW_CASE
  }
}

}  // namespace elbow::kernels
