#pragma once
// Beta-distributed random numbers as functions of counters.
#include "engine/random.h"

namespace elbow {

/// Density proportional to b^(alpha - 1) (1 - b)^(beta - 1) on (0, 1); alpha, beta >= 1.
struct BetaShape {
  double alpha, beta;
};

/// G / (G + H), G ~ Gamma(alpha), H ~ Gamma(beta), each by Marsaglia and Tsang, "A simple method for
/// generating gamma variables" (ACM TOMS 26, 2000): exact, by rejection. Attempt k takes the Philox block of
/// the counter (stream, 2 step for G and 2 step + 1 for H, first_sample, k): words 0 and 1 are the normal,
/// word 2 the uniform number. About 1.02 attempts each.
double beta_variate(const BetaShape& shape, const Draw& draw);

}  // namespace elbow
