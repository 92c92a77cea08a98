#pragma once
// The words every kernel shares: scalar types, extents and the host/device marker.
#include <array>
#include <complex>
#include <cstdint>

#if defined(__CUDACC__)
#define ELBOW_HD __host__ __device__ __forceinline__
/// Before a template that calls what it is given: that may be for the host alone.
#define ELBOW_ANYWHERE _Pragma("nv_exec_check_disable")
#else
#ifndef ELBOW_HD  // mutants are compiled oftener than run (tests/mutation/workbench.cpp)
#define ELBOW_HD [[gnu::always_inline]] inline
#endif
#define ELBOW_ANYWHERE
#endif

namespace elbow {

using Index = std::int64_t;
using Complex = std::complex<double>;  ///< complex-step gradient checks, CPU only

/// Tensors have at most this many axes; kernels with strides take exactly this many,
/// leading axes of extent 1 filling up.
inline constexpr int max_rank = 5;
using Extents = std::array<Index, max_rank>;

}  // namespace elbow
