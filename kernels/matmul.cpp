#include "kernels/matmul.h"

#include "kernels/math.h"

namespace elbow::kernels::cpu {

template <class T>
void run(const Matmul<T>& a) {
  for (Index b = 0; b < a.batch; ++b) {
    for (Index r = 0; r < a.rows; ++r) {
      for (Index c = 0; c < a.columns; ++c) {
        T* output = a.output + (b * a.rows + r) * a.columns + c;
        const T* left = a.left.data + b * a.left.batch_stride + r * a.left.row_stride;
        const T* right = a.right.data + b * a.right.batch_stride + c * a.right.column_stride;
        T total = a.accumulate ? *output : T(0);
        for (Index k = 0; k < a.depth; ++k) {
          total = math::fma(left[k * a.left.column_stride], right[k * a.right.row_stride], total);
        }
        *output = total;
      }
    }
  }
}

template void run(const Matmul<float>&);
template void run(const Matmul<double>&);
template void run(const Matmul<Complex>&);

}  // namespace elbow::kernels::cpu
