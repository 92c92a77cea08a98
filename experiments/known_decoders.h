#pragma once
// The decoders of Fig. 4: ground truths with a triangular Jacobian, and one with orthogonal columns.
#include <cstdint>
#include <vector>

#include "engine/tensor.h"

namespace elbow {

/// Weights of f(z) = W3 s(W2 s(W1 z)), s the smooth LeakyReLU of slope 0.2: upper triangular, U(1/2, 3/2) on the
/// diagonal, N(0, 1) above it, (dim, dim) each, float64. f is invertible, and its Jacobian's columns are not
/// orthogonal.
std::vector<Tensor> triangular_weights(std::uint64_t seed, Index dim);

/// The same with diagonal W1 and W2 and a Haar-random orthogonal W3: a decoder in the IMA class, whose
/// Jacobian's columns are orthogonal everywhere.
std::vector<Tensor> separable_weights(std::uint64_t seed, Index dim);

}  // namespace elbow
