#include "kernels/blas.cuh"
#include "kernels/slogdet.cuh"

// Matrices too large for the shared memory of a block. cuBLAS factors and inverts them, in double whatever T is; the
// kernels here hand them over and turn what comes back into the contract's results. cuBLAS is given nothing of which
// its documentation does not speak: instead of a matrix that is not finite it factors the identity, and inverts that
// instead of what has no inverse.
namespace elbow::kernels::cuda {

constexpr int warp = 32;
constexpr int warps = 8;  // of a block that moves a matrix
constexpr int threads_per_block = warps * warp;

/// The parts of Slogdet::workspace. What is stored column by column is what cuBLAS takes A to be.
struct LargeMatrices {
  double* factors;      ///< (batch, n, n): A, then its L and U, column by column
  double* inverses;     ///< (batch, n, n): A^-1 column by column, which is A^-T row by row
  double** factor_of;   ///< (batch): where each matrix lies
  double** inverse_of;  ///< (batch)
  int* exchanged_with;  ///< (batch, n): the row, counted from 1, that took the place of row k
  int* reports;         ///< (batch): cuBLAS's word on each matrix; U itself says as much
};

template <class T>
LargeMatrices parts_of_workspace(const Slogdet<T>& a) {
  const Index size = a.batch * a.n * a.n;
  LargeMatrices parts{};
  parts.factors = a.workspace;
  parts.inverses = parts.factors + size;
  double* const rest = a.inverse_transpose == nullptr ? parts.inverses : parts.inverses + size;
  parts.factor_of = reinterpret_cast<double**>(rest);
  parts.inverse_of = parts.factor_of + a.batch;
  parts.exchanged_with = reinterpret_cast<int*>(rest + 2 * a.batch);
  parts.reports = parts.exchanged_with + a.batch * a.n;
  return parts;
}

/// True where it is so for every thread of the block. All must call it, once.
__device__ __forceinline__ bool all_of_block(bool own) {
  ELBOW_SHARED(int, votes, warps);
  const int of_warp = __all_sync(all_lanes, own ? 1 : 0);
  if (thread_index() % warp == 0) votes[thread_index() / warp] = of_warp;
  __syncthreads();
  bool all = true;
  for (int i = 0; i < warps; ++i) all = all && votes[i] != 0;
  return all;
}

/// A block a matrix.
template <class T>
__global__ void __launch_bounds__(threads_per_block) slogdet_load(Slogdet<T> a, LargeMatrices parts) {
  const Index b = block_index(), n = a.n;
  const T* const from = a.matrix + b * n * n;
  double* const to = parts.factors + b * n * n;
  bool finite = true;
  for (Index i = thread_index() / warp; i < n; i += warps) {
    for (Index j = thread_index() % warp; j < n; j += warp) {
      const T element = from[i * n + j];
      finite = finite && magnitude_bits(element) < Layout<T>::infinity;
      to[j * n + i] = static_cast<double>(element);
    }
  }
  finite = all_of_block(finite);
  if (thread_index() == 0) {
    a.state[b] = static_cast<T>(static_cast<int>(finite ? MatrixState::regular : MatrixState::not_finite));
    parts.factor_of[b] = to;
    parts.inverse_of[b] = parts.inverses + b * n * n;
  }
  if (finite) return;
  for (Index i = thread_index() / warp; i < n; i += warps) {
    for (Index j = thread_index() % warp; j < n; j += warp) to[j * n + i] = i == j ? 1.0 : 0.0;
  }
}

/// Of the pivots on U's diagonal, up to the first that is zero: behind it U is the library's affair. Lane k % warp is
/// the one that reads what row k has.
__device__ __forceinline__ PivotProduct<double> product_of_pivots(Index n, const double* factors,
                                                                  const int* exchanged_with) {
  PivotProduct<double> product;
  for (Index first = 0; first < n; first += warp) {
    const Index mine = first + thread_index();
    const double own = mine < n ? factors[mine * n + mine] : 1.0;
    const int own_exchanged = mine < n && exchanged_with[mine] != mine + 1 ? 1 : 0;
    for (int lane = 0; lane < warp && first + lane < n; ++lane) {
      const double pivot = __shfl_sync(all_lanes, own, lane);
      multiply(product, first + lane, pivot, __shfl_sync(all_lanes, own_exchanged, lane) != 0);
      if (pivot == 0.0) return product;
    }
  }
  return product;
}

__device__ __forceinline__ Summary<double> result_of(const PivotProduct<double>& product, double) {
  return summary(product);
}
/// Judged as the contract judges pivots in float: they must be normal floats, and not too different.
__device__ __forceinline__ Summary<float> result_of(const PivotProduct<double>& product, float) {
  const Summary<double> found = summary(product);
  const double smallest = math::from_bits(product.smallest), largest = math::from_bits(product.largest);
  const bool trusted =
      smallest > ill_conditioned_ratio<float> * largest && smallest >= 0x1p-126 && largest < 0x1p128;
  return trusted ? Summary<float>{static_cast<float>(found.sign), static_cast<float>(found.log_abs_det), 0.0f}
                 : refined(found);
}

/// A warp a matrix.
template <class T>
__global__ void __launch_bounds__(warp) slogdet_summarise(Slogdet<T> a, LargeMatrices parts) {
  const Index b = block_index(), n = a.n;
  double* const factors = parts.factors + b * n * n;
  int* const exchanged_with = parts.exchanged_with + b * n;
  PivotProduct<double> product = product_of_pivots(n, factors, exchanged_with);
  const float loaded = thread_index() == 0 ? static_cast<float>(a.state[b]) : 0.0f;
  if (state_of(__shfl_sync(all_lanes, loaded, 0)) == MatrixState::not_finite) {
    product.largest = Layout<double>::infinity;
  }
  const Summary<T> result = result_of(product, T());
  if (thread_index() == 0) {
    a.sign[b] = result.sign;
    a.log_abs_det[b] = result.log_abs_det;
    a.state[b] = result.state;
  }
  if (has_inverse(state_of(result.state))) return;
  for (Index i = thread_index(); i < n; i += warp) {
    for (Index j = 0; j < n; ++j) factors[j * n + i] = i == j ? 1.0 : 0.0;
    exchanged_with[i] = static_cast<int>(i) + 1;
  }
}

/// A block a matrix.
template <class T>
__global__ void __launch_bounds__(threads_per_block) slogdet_store(Slogdet<T> a, LargeMatrices parts) {
  const Index b = block_index(), size = a.n * a.n;
  const double* const from = parts.inverses + b * size;
  T* const to = a.inverse_transpose + b * size;
  const MatrixState state = state_of(a.state[b]);
  for (Index i = thread_index(); i < size; i += threads_per_block) {
    to[i] = has_inverse(state) ? static_cast<T>(from[i]) : no_inverse<T>(state);
  }
}

template <class T>
void launch_slogdet_by_blas(const Slogdet<T>& a) {
  if (a.batch == 0) return;
  const Range family("slogdet_blas");
  const LargeMatrices parts = parts_of_workspace(a);
  const int n = static_cast<int>(a.n), batch = static_cast<int>(a.batch);
  launch("slogdet_blas", slogdet_load<T>, per_block(a.batch, threads_per_block), a, parts);
  check_blas("slogdet",
             cublasDgetrfBatched(Blas::handle("slogdet"), n, parts.factor_of, n, parts.exchanged_with,
                                 parts.reports, batch),
             "cublasDgetrfBatched");
  launch("slogdet_blas", slogdet_summarise<T>, per_block(a.batch, warp), a, parts);
  if (a.inverse_transpose == nullptr) return;
  check_blas("slogdet",
             cublasDgetriBatched(Blas::handle("slogdet"), n, parts.factor_of, n, parts.exchanged_with,
                                 parts.inverse_of, n, parts.reports, batch),
             "cublasDgetriBatched");
  launch("slogdet_blas", slogdet_store<T>, per_block(a.batch, threads_per_block), a, parts);
}

template void launch_slogdet_by_blas(const Slogdet<float>&);
template void launch_slogdet_by_blas(const Slogdet<double>&);

}  // namespace elbow::kernels::cuda
