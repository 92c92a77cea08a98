#include "kernels/random.h"

namespace elbow::kernels::cpu {

template <class T>
void run(const Random<T>& a) {
  const Index blocks = (a.columns + 3) / 4;
  for (Index r = 0; r < a.rows; ++r) {
    for (Index b = 0; b < blocks; ++b) {
      T values[4];
      random_block(a, r, b, values);
      for (Index c = 4 * b; c < a.columns && c < 4 * b + 4; ++c)
        a.output[r * a.columns + c] = values[c - 4 * b];
    }
  }
}

template void run(const Random<float>&);
template void run(const Random<double>&);

}  // namespace elbow::kernels::cpu
