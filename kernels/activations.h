#pragma once
// The activations of multi-layer perceptrons, each a functor f(x, p) that gives value and slope together; p is the slope of
// the two leaky ReLUs for negative x. The formulas are those of kernels/unary_functions.h.
#include "kernels/unary_functions.h"

namespace elbow::kernels {

enum class Activation { leaky_relu, smooth_leaky_relu, relu, tanh, softplus, gelu, silu, identity };

template <class T>
struct ValueAndSlope {
  T value;
  T slope;
};

#define ELBOW_ACTIVATION(name, ...)                                         \
  struct name {                                                             \
    template <class T>                                                      \
    ELBOW_HD ValueAndSlope<T> operator()(T x, [[maybe_unused]] T p) const { \
      __VA_ARGS__                                                           \
    }                                                                       \
  };

namespace activations {
namespace f = unary_functions;

ELBOW_ACTIVATION(leaky_relu, return {f::leaky_relu{}(x, p), f::step{}(x, p)};)
ELBOW_ACTIVATION(smooth_leaky_relu,
                 return {f::smooth_leaky_relu{}(x, p), f::smooth_leaky_relu_slope{}(x, p)};)
ELBOW_ACTIVATION(relu, return {f::relu{}(x, p), f::step{}(x, T(0))};)
ELBOW_ACTIVATION(tanh, const T y = f::tanh{}(x, p); return {y, T(1) - y* y};)
ELBOW_ACTIVATION(softplus, return {f::softplus{}(x, p), f::sigmoid{}(x, p)};)
ELBOW_ACTIVATION(gelu, return {f::gelu{}(x, p), f::gelu_slope{}(x, p)};)
ELBOW_ACTIVATION(silu, const T y = f::silu{}(x, p), s = f::sigmoid{}(x, p); return {y, s + y*(T(1) - s)};)
ELBOW_ACTIVATION(identity, return {x, T(1)};)

}  // namespace activations
#undef ELBOW_ACTIVATION

/// Calls `use(functor)` with the functor that `activation` names.
ELBOW_ANYWHERE
template <class Use>
ELBOW_HD void with_activation(Activation activation, Use use) {
  switch (activation) {
    case Activation::leaky_relu:
      return use(activations::leaky_relu{});
    case Activation::smooth_leaky_relu:
      return use(activations::smooth_leaky_relu{});
    case Activation::relu:
      return use(activations::relu{});
    case Activation::tanh:
      return use(activations::tanh{});
    case Activation::softplus:
      return use(activations::softplus{});
    case Activation::gelu:
      return use(activations::gelu{});
    case Activation::silu:
      return use(activations::silu{});
    case Activation::identity:
      return use(activations::identity{});
  }
}

}  // namespace elbow::kernels
