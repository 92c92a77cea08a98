#include "engine/dispatch.h"
#include "engine/ops.h"

namespace elbow {
namespace {

using kernels::UnaryFunction;

Tensor apply(UnaryFunction function, const Variable& x, double parameter = 0) {
  Tensor result(x.shape(), x.dtype(), x.device());
  with_type(x.dtype(), [&]<class T>() {
    run(x.device(),
        kernels::Unary<T>{function, x.value().count(), parameter, x.value().data<T>(), result.data<T>()});
  });
  return result;
}

/// A step function has no gradient of its own: its value is a constant.
Variable step(const Variable& x, double below) { return Variable(apply(UnaryFunction::step, x, below)); }
Variable sign(const Variable& x) { return Variable(apply(UnaryFunction::sign, x)); }

Variable digamma(const Variable& x) {
  return operation("digamma", apply(UnaryFunction::digamma, x), {x}, [](const Backward&) -> Gradients {
    throw UsageError("[digamma] has no backward rule: log_gamma can be differentiated once");
  });
}

Variable smooth_leaky_relu_slope(const Variable& x, double slope) {
  return operation("smooth_leaky_relu_slope", apply(UnaryFunction::smooth_leaky_relu_slope, x, slope), {x},
                   [slope](const Backward& b) -> Gradients {
                     const Variable s = sigmoid(b.input());
                     return {(1 - slope) * b.gradient() * (s - square(s))};
                   });
}

Variable gelu_slope(const Variable& x) {
  return operation(
      "gelu_slope", apply(UnaryFunction::gelu_slope, x), {x}, [](const Backward& b) -> Gradients {
        const Variable& x = b.input();
        const Variable squared = square(x);
        const Variable t = tanh(math::gelu_rate * x * (1 + math::gelu_cubic * squared));
        const Variable inner_slope = math::gelu_rate * (1 + 3 * math::gelu_cubic * squared);
        const Variable inner_curvature = 6 * math::gelu_rate * math::gelu_cubic * x;
        const Variable bend = inner_slope + 0.5 * x * (inner_curvature - 2 * t * square(inner_slope));
        return {b.gradient() * (1 - square(t)) * bend};
      });
}

}  // namespace

Variable operator-(const Variable& x) {
  return operation("negate", apply(UnaryFunction::negate, x), {x},
                   [](const Backward& b) -> Gradients { return {-b.gradient()}; });
}

Variable absolute(const Variable& x) {
  return operation("absolute", apply(UnaryFunction::absolute, x), {x},
                   [](const Backward& b) -> Gradients { return {b.gradient() * sign(b.input())}; });
}

Variable reciprocal(const Variable& x) {
  return operation("reciprocal", apply(UnaryFunction::reciprocal, x), {x},
                   [](const Backward& b) -> Gradients { return {-b.gradient() * square(b.output())}; });
}

Variable square(const Variable& x) {
  return operation("square", apply(UnaryFunction::square, x), {x},
                   [](const Backward& b) -> Gradients { return {2 * b.gradient() * b.input()}; });
}

Variable square_root(const Variable& x) {
  return operation("square_root", apply(UnaryFunction::square_root, x), {x},
                   [](const Backward& b) -> Gradients { return {0.5 * b.gradient() / b.output()}; });
}

Variable power(const Variable& x, double exponent) {
  return operation("power", apply(UnaryFunction::power, x, exponent), {x},
                   [exponent](const Backward& b) -> Gradients {
                     return {exponent * b.gradient() * power(b.input(), exponent - 1)};
                   });
}

Variable scale(const Variable& x, double factor) {
  return operation("scale", apply(UnaryFunction::scale, x, factor), {x},
                   [factor](const Backward& b) -> Gradients { return {scale(b.gradient(), factor)}; });
}

Variable shift(const Variable& x, double addend) {
  return operation("shift", apply(UnaryFunction::shift, x, addend), {x},
                   [](const Backward& b) -> Gradients { return {b.gradient()}; });
}

Variable exponential(const Variable& x) {
  return operation("exponential", apply(UnaryFunction::exponential, x), {x},
                   [](const Backward& b) -> Gradients { return {b.gradient() * b.output()}; });
}

Variable logarithm(const Variable& x) {
  return operation("logarithm", apply(UnaryFunction::logarithm, x), {x},
                   [](const Backward& b) -> Gradients { return {b.gradient() / b.input()}; });
}

Variable sine(const Variable& x) {
  return operation("sine", apply(UnaryFunction::sine, x), {x},
                   [](const Backward& b) -> Gradients { return {b.gradient() * cosine(b.input())}; });
}

Variable cosine(const Variable& x) {
  return operation("cosine", apply(UnaryFunction::cosine, x), {x},
                   [](const Backward& b) -> Gradients { return {-b.gradient() * sine(b.input())}; });
}

Variable log_gamma(const Variable& x) {
  return operation("log_gamma", apply(UnaryFunction::log_gamma, x), {x},
                   [](const Backward& b) -> Gradients { return {b.gradient() * digamma(b.input())}; });
}

Variable tanh(const Variable& x) {
  return operation("tanh", apply(UnaryFunction::tanh, x), {x},
                   [](const Backward& b) -> Gradients { return {b.gradient() * (1 - square(b.output()))}; });
}

Variable sigmoid(const Variable& x) {
  return operation("sigmoid", apply(UnaryFunction::sigmoid, x), {x}, [](const Backward& b) -> Gradients {
    const Variable y = b.output();
    return {b.gradient() * (y - square(y))};
  });
}

Variable softplus(const Variable& x) {
  return operation("softplus", apply(UnaryFunction::softplus, x), {x},
                   [](const Backward& b) -> Gradients { return {b.gradient() * sigmoid(b.input())}; });
}

Variable relu(const Variable& x) {
  return operation("relu", apply(UnaryFunction::relu, x), {x},
                   [](const Backward& b) -> Gradients { return {b.gradient() * step(b.input(), 0)}; });
}

Variable leaky_relu(const Variable& x, double slope) {
  return operation(
      "leaky_relu", apply(UnaryFunction::leaky_relu, x, slope), {x},
      [slope](const Backward& b) -> Gradients { return {b.gradient() * step(b.input(), slope)}; });
}

Variable smooth_leaky_relu(const Variable& x, double slope) {
  return operation("smooth_leaky_relu", apply(UnaryFunction::smooth_leaky_relu, x, slope), {x},
                   [slope](const Backward& b) -> Gradients {
                     return {b.gradient() * smooth_leaky_relu_slope(b.input(), slope)};
                   });
}

Variable gelu(const Variable& x) {
  return operation("gelu", apply(UnaryFunction::gelu, x), {x},
                   [](const Backward& b) -> Gradients { return {b.gradient() * gelu_slope(b.input())}; });
}

Variable silu(const Variable& x) {
  return operation("silu", apply(UnaryFunction::silu, x), {x}, [](const Backward& b) -> Gradients {
    const Variable s = sigmoid(b.input());
    return {b.gradient() * (s + b.output() * (1 - s))};
  });
}

}  // namespace elbow
