#pragma once
// One Adam step over all parameters at once (Kingma & Ba, 2015, algorithm 1), i in [0, size):
//   m = beta1 m + (1 - beta1) g          v = beta2 v + (1 - beta2) g^2
//   parameter -= rate * (m / correction1) / (sqrt(v / correction2) + epsilon)
// with correction1 = 1 - beta1^t and correction2 = 1 - beta2^t for step t = 1, 2, ... All in place.
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

namespace cpu {
template <class T>
void run(const Adam<T>&);  // float, double
}
namespace cuda {
template <class T>
void run(const Adam<T>&);  // float, double
}

}  // namespace elbow::kernels
