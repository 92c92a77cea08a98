#pragma once
// Fig. 2: does a VAE with a nearly deterministic decoder become self-consistent, the encoder inverting the
// decoder and sigma_k(x)^2 following eq. 12?
#include "experiments/experiment.h"
#include "experiments/figure.h"
#include "experiments/run_record.h"

namespace elbow {

Experiment self_consistency();

/// The three panels of Fig. 2 with the paper's medians and the theory drawn in.
Figure self_consistency_figure(const std::vector<RunRecord>& records, const Options& options);

/// One claim per number of the targets' table. Judged if the protocol was run as written, with --quick by
/// wider targets; otherwise left open, `departure` saying what differs.
std::vector<Claim> self_consistency_claims(const std::vector<RunRecord>& records, const Options& options,
                                           const std::string& departure);

}  // namespace elbow
