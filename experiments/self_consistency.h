#pragma once
// Fig. 2: does a VAE with a nearly deterministic decoder become self-consistent, the encoder inverting the
// decoder and sigma_k(x)^2 following eq. 12?
#include "experiments/experiment.h"
#include "experiments/figure.h"
#include "experiments/run_record.h"

namespace elbow {

Experiment self_consistency();

/// The three panels of Fig. 2 with the paper's medians and the theory drawn in.
Figure self_consistency_figure(const std::vector<RunRecord>& records, Protocol protocol);

/// One claim per number of the targets' table. Judged if the protocol was run as written, with --quick by
/// wider targets; otherwise left open, `departure` saying what differs.
std::vector<Claim> self_consistency_claims(const std::vector<RunRecord>& records, const Options& options,
                                           const std::string& departure);

/// The finished runs at one gamma^2.
std::vector<const RunRecord*> runs_at(const std::vector<RunRecord>& records, double gamma2);
/// One column of them; with "_k", the column of every latent.
std::vector<double> pooled(const std::vector<const RunRecord*>& runs, const std::string& column);
/// Every gamma^2 with a finished run, ascending.
std::vector<double> precisions(const std::vector<RunRecord>& records);

}  // namespace elbow
