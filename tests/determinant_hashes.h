#pragma once
// Determinants and inverses of matrices that are not like others, for tests/kernel_hashes.h.
#include <cstdint>

#include "engine/tensor.h"

namespace elbow::test {

/// Matrices of small integers: ties between pivots, singular and ill-conditioned ones; and some that are not finite.
std::uint64_t hash_of_irregular_determinants(Index batch, Index n, DType, Device);

/// Of one matrix of each kind that every order of elimination factors without a rounding. The sign of a zero, which is the
/// library's affair, is left out.
std::uint64_t hash_of_scaled_permutations(Index n, DType, Device);

}  // namespace elbow::test
