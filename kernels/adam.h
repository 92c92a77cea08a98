#pragma once
// One Adam step over all parameters at once (Kingma & Ba, 2015, algorithm 1), i in [0, size):
//   m = beta1 m + (1 - beta1) g          v = beta2 v + (1 - beta2) g^2
//   parameter -= rate * (m / correction1) / (sqrt(v / correction2) + epsilon)
// with correction1 = 1 - beta1^t and correction2 = 1 - beta2^t for step t = 1, 2, ... All in place.
#include "kernels/math.h"
#include "kernels/types.h"

namespace elbow::kernels {

template <class T>
struct Adam {
  Index size;
  double rate;
  double beta1;
  double beta2;
  double epsilon;
  double correction1;
  double correction2;
  const T* gradient;
  T* parameter;
  T* first_moment;
  T* second_moment;
};

/// The step's numbers in T, worked out once in double.
template <class T>
struct AdamConstants {
  explicit AdamConstants(const Adam<T>& a)
      : beta1(static_cast<T>(a.beta1)),
        beta2(static_cast<T>(a.beta2)),
        rest1(static_cast<T>(1 - a.beta1)),
        rest2(static_cast<T>(1 - a.beta2)),
        rate(static_cast<T>(a.rate / a.correction1)),
        root(static_cast<T>(1 / a.correction2)),
        epsilon(static_cast<T>(a.epsilon)) {}
  T beta1, beta2, rest1, rest2, rate, root, epsilon;
};

template <class T>
ELBOW_HD void adam_update(const AdamConstants<T>& c, T gradient, T& parameter, T& m, T& v) {
  m = math::fma(c.beta1, m, c.rest1 * gradient);
  v = math::fma(c.beta2, v, c.rest2 * gradient * gradient);
  parameter -= c.rate * m / (math::sqrt(v * c.root) + c.epsilon);
}

namespace cpu {
template <class T>
void run(const Adam<T>&);  // float, double
}
namespace cuda {
template <class T>
void run(const Adam<T>&);  // float, double
}

}  // namespace elbow::kernels
