#pragma once
// Expectations over a standard normal vector as sums over fixed points.
#include <cstdint>
#include <vector>

#include "kernels/types.h"

namespace elbow {

/// E g(xi), xi ~ N(0, I), is about sum_i weights[i] g(nodes[i]).
struct GaussianRule {
  Index dim;
  std::vector<double> nodes;    ///< (points, dim)
  std::vector<double> weights;  ///< (points), positive, of sum 1

  Index points() const { return static_cast<Index>(weights.size()); }
};

/// Gauss-Hermite for N(0, 1): exact for polynomials up to degree 2 points - 1. Nodes ascend. Throws UsageError
/// below one point.
GaussianRule gauss_hermite(Index points);

/// A rule for one dimension as one for `dim`, points^dim in number.
GaussianRule tensor_product(const GaussianRule& rule, Index dim);

/// Common random numbers: +-r q over the rows q of `frames` Haar-random orthogonal matrices and the two radii r^2
/// = dim +- sqrt(2 dim). All mixed moments up to degree 3 are exact, and so is E |xi|^4 (Genz & Monahan, 1998,
/// draw the radii too). dim >= 3.
GaussianRule random_frames(std::uint64_t seed, Index dim, Index frames);

/// What the experiments use: up to four dimensions 7 Gauss-Hermite points along each, above that 1024 or more
/// points of random frames.
GaussianRule gaussian_rule(Index dim);

}  // namespace elbow
