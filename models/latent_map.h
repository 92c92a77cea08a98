#pragma once
// Maps g from observations to latents in the unit cube whose Jacobian's determinant is wanted: models of an exact density,
// log p(x) = log p0(g(x)) + log abs det J_g(x) with p0 uniform, provided that g is injective.
#include <cstdint>
#include <functional>

#include "engine/forward_mode.h"
#include "engine/parameters.h"

namespace elbow {

struct LatentMap {
  ParameterLayout layout;
  std::function<Parameters(std::uint64_t seed, DType, Device)> initial_parameters;
  /// x, (batch, dim), with its tangents to g(x), (batch, dim), with J_g.
  std::function<Dual(const Parameters&, const Dual&)> map;
};

/// Injective by construction: blocks h + r(h), r an MLP dim-hidden-hidden-dim with sines, whose slopes are at most 1, and
/// weights of spectral norm at most `norm` < 1 (Behrmann et al., "Invertible residual networks", 2019); then an affine
/// layer and a sigmoid. Throws UsageError for dim, blocks or hidden below 1, or a norm outside (0, 1).
LatentMap residual_flow(Index dim, Index blocks = 8, Index hidden = 32, double norm = 0.97);

/// Not injective: an MLP dim-hidden-hidden-dim with GELUs and a sigmoid. What it is told to maximise is no density where
/// it folds.
LatentMap unconstrained_mlp(Index dim, Index hidden = 32);

/// Matrices (count, m, n), none of them zero, each multiplied by min(1, norm / s) for an s that is at least its spectral norm and at most
/// 1.03 times that for m or n up to 32: the Schatten norm of order 128, (tr (W^T W)^64)^(1/128).
Variable bounded(const Variable& weights, double norm);

}  // namespace elbow
