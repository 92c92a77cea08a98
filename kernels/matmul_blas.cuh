#pragma once
// Large matrix products by cuBLAS.
#include "kernels/matmul.h"

namespace elbow::kernels::cuda {

/// From this many multiply-adds on, a product is one for cuBLAS if its operands' layout allows.
inline constexpr double blas_from = 0x1p27;

/// True if `a` is large enough, and each operand has rows or columns without gaps, as BLAS wants them.
template <class T>
bool suits_blas(const Matmul<T>& a);

/// Does what `run` does, but the order of summation is cuBLAS's own. Precondition: suits_blas. Throws DeviceError
/// naming the call that failed.
template <class T>
void run_blas(const Matmul<T>& a);

}  // namespace elbow::kernels::cuda
