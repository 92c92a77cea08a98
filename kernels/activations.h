#pragma once
// The activations of multi-layer perceptrons, each a functor f(x, p) that gives value and slope together; p is the slope of
// the two leaky ReLUs for negative x. Their formulas are those of kernels/unary_functions.h, or of kernels/math.h where value
// and slope have a dear part in common.
#include "kernels/unary_functions.h"

namespace elbow::kernels {

enum class Activation { leaky_relu, smooth_leaky_relu, relu, tanh, softplus, gelu, silu, identity };

template <class T>
struct ValueAndSlope {
  T value;
  T slope;
};

/// `common_part` of x is c in the expressions of value and slope.
#define ELBOW_ACTIVATION(name, common_part, value_of, slope_of)                                      \
  struct name {                                                                                      \
    template <class T>                                                                               \
    ELBOW_HD static auto common(T x) {                                                               \
      return common_part;                                                                            \
    }                                                                                                \
    template <class T, class Common>                                                                 \
    ELBOW_HD static T value([[maybe_unused]] T x, [[maybe_unused]] T p, Common c) {                  \
      return value_of;                                                                               \
    }                                                                                                \
    template <class T, class Common>                                                                 \
    ELBOW_HD static T slope([[maybe_unused]] T x, [[maybe_unused]] T p, [[maybe_unused]] Common c) { \
      return slope_of;                                                                               \
    }                                                                                                \
    template <class T>                                                                               \
    ELBOW_HD ValueAndSlope<T> operator()(T x, T p) const {                                           \
      const auto c = common(x);                                                                      \
      return {value(x, p, c), slope(x, p, c)};                                                       \
    }                                                                                                \
  };

namespace activations {
namespace f = unary_functions;

ELBOW_ACTIVATION(leaky_relu, x, f::leaky_relu{}(c, p), f::step{}(c, p))
ELBOW_ACTIVATION(smooth_leaky_relu, math::decay(x), math::smooth_leaky_relu(x, p, c),
                 math::smooth_leaky_relu_slope(x, p, c))
ELBOW_ACTIVATION(relu, x, f::relu{}(c, p), f::step{}(c, T(0)))
ELBOW_ACTIVATION(tanh, math::tanh(x), c, T(1) - c * c)
ELBOW_ACTIVATION(softplus, math::decay(x), math::softplus(x, c), math::sigmoid(x, c))
ELBOW_ACTIVATION(gelu, math::gelu_tanh(x), math::gelu(x, c), math::gelu_slope(x, c))
ELBOW_ACTIVATION(silu, math::sigmoid(x), x* c, c + x * c * (T(1) - c))
ELBOW_ACTIVATION(identity, x, c, T(1))

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
