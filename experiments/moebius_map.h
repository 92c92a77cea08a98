#pragma once
// The data of Fig. 3: uniform sources through a Moebius map, which is conformal, and through a linear map after
// it, which is not.
#include "engine/variable.h"
#include "experiments/mixing.h"

namespace elbow {

/// x = A (z - a) / |z - a|^2: conformal, so the columns of its Jacobian are orthogonal and of length 1 / |z -
/// a|^2.
struct MoebiusMap {
  Tensor rotation;  ///< A, orthogonal, (dim, dim), float64
  Tensor pole;      ///< a, (1, dim), float64

  /// z, (samples, dim).
  Variable operator()(const Variable& z) const;
  /// A (I - 2 u u^T) / |z - a|^2, u = (z - a) / |z - a|, at each z; (samples, dim, dim).
  Tensor jacobian(const Tensor& sources) const;
};

/// A Haar-random, a_i ~ N(0, 1) given abs(a_i) > 1/2: no pole meets a source.
MoebiusMap random_moebius(std::uint64_t seed, Index dim);

/// The one mixing of the authors' runs, in three dimensions: experiments/reference/moebius_mixing.json.
MoebiusMap authors_moebius();

/// M / abs(det M)^(1/dim), M_ij ~ U(0, 1): keeps volumes and breaks orthogonality. (dim, dim), float64.
Tensor random_unimodular(std::uint64_t seed, Index dim);

/// Two columns of one length at an angle, given by its cosine in [0, 1), with determinant 1; (2, 2), float64.
Tensor columns_at_angle(double cosine);

/// Sources U(-1/2, 1/2)^dim through the map, less their mean. One property: `stretch`, max / min of |z - a|^2
/// over the samples. Throws UsageError where the pole lies within the cube of the sources.
MixedData moebius_data(const MoebiusMap& map, std::uint64_t seed, Index samples);

/// The same with `linear` after it; the further property `map_c_ima` is the c_IMA of `linear`.
MixedData moebius_data(const MoebiusMap& map, const Tensor& linear, std::uint64_t seed, Index samples);

}  // namespace elbow
