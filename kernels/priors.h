#pragma once
// The priors p0(z), one latent at a time, in the coordinate y in which the encoder's Gaussian samples.
//
// A squashed prior lives on (0, 1), z = sigmoid(y), and its log density in y is log p0(z) + log z(1 - z).
// Each prior has two parameters per latent, the rows a and b of a (2, dim) array:
//   gaussian  N(0, exp(a))                 b unused
//   uniform   U(0, 1), squashed            a, b unused
//   beta      Beta(a, b), squashed         a, b > 0
//   laplace   Laplace(0, exp(a))           b unused
// A prior is a struct with: squashed; log_density(y, a, b); d log_density / dy, / da, / db as slope, slope_a,
// slope_b.
#include "kernels/gamma.h"
#include "kernels/math.h"
#include "kernels/types.h"

namespace elbow::kernels {

enum class Prior { gaussian, uniform, beta, laplace };

namespace priors {

struct gaussian {
  static constexpr bool squashed = false;
  template <class T>
  ELBOW_HD static T log_density(T y, T a, T) {
    return T(-0.5) * (T(math::log_two_pi) + a + y * y * math::exp(-a));
  }
  template <class T>
  ELBOW_HD static T slope(T y, T a, T) {
    return -y * math::exp(-a);
  }
  template <class T>
  ELBOW_HD static T slope_a(T y, T a, T) {
    return T(0.5) * (y * y * math::exp(-a) - T(1));
  }
  template <class T>
  ELBOW_HD static T slope_b(T, T, T) {
    return T(0);
  }
};

struct uniform {
  static constexpr bool squashed = true;
  template <class T>
  ELBOW_HD static T log_density(T y, T, T) {
    return -math::softplus(-y) - math::softplus(y);
  }
  template <class T>
  ELBOW_HD static T slope(T y, T, T) {
    return T(1) - T(2) * math::sigmoid(y);
  }
  template <class T>
  ELBOW_HD static T slope_a(T, T, T) {
    return T(0);
  }
  template <class T>
  ELBOW_HD static T slope_b(T, T, T) {
    return T(0);
  }
};

struct beta {
  static constexpr bool squashed = true;
  template <class T>
  ELBOW_HD static T log_density(T y, T a, T b) {
    return -a * math::softplus(-y) - b * math::softplus(y) -
           (math::log_gamma(a) + math::log_gamma(b) - math::log_gamma(a + b));
  }
  template <class T>
  ELBOW_HD static T slope(T y, T a, T b) {
    const T z = math::sigmoid(y);
    return a * (T(1) - z) - b * z;
  }
  template <class T>
  ELBOW_HD static T slope_a(T y, T a, T b) {
    return -math::softplus(-y) - math::digamma(a) + math::digamma(a + b);
  }
  template <class T>
  ELBOW_HD static T slope_b(T y, T a, T b) {
    return -math::softplus(y) - math::digamma(b) + math::digamma(a + b);
  }
};

struct laplace {
  static constexpr bool squashed = false;
  template <class T>
  ELBOW_HD static T log_density(T y, T a, T) {
    return -T(math::log_two) - a - math::absolute(y) * math::exp(-a);
  }
  template <class T>
  ELBOW_HD static T slope(T y, T a, T) {
    return -math::sign(y) * math::exp(-a);
  }
  template <class T>
  ELBOW_HD static T slope_a(T y, T a, T) {
    return math::absolute(y) * math::exp(-a) - T(1);
  }
  template <class T>
  ELBOW_HD static T slope_b(T, T, T) {
    return T(0);
  }
};

}  // namespace priors

/// Calls `use(density)` with the struct of `prior`.
ELBOW_ANYWHERE
template <class Use>
ELBOW_HD void with_prior(Prior prior, Use use) {
  switch (prior) {
    case Prior::gaussian:
      return use(priors::gaussian{});
    case Prior::uniform:
      return use(priors::uniform{});
    case Prior::beta:
      return use(priors::beta{});
    case Prior::laplace:
      return use(priors::laplace{});
  }
}

}  // namespace elbow::kernels
