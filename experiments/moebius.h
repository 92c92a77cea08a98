#pragma once
// Fig. 3 left: does a VAE recover the sources of a conformal mixing, whose Jacobian has orthogonal columns?
#include "experiments/experiment.h"
#include "experiments/figure.h"
#include "experiments/run_record.h"

namespace elbow {

Experiment moebius();

/// Model and training of Fig. 3, left and right.
Options figure3_defaults(const Options& asked);

/// MCC and c_IMA against gamma^2 as boxes with the paper's medians drawn in, and MCC against the mixing's
/// stretch.
Figure moebius_figure(const std::vector<RunRecord>& records, const Options& options);

/// One claim per number of the targets' table, of the whole set and per sample for the text, as the authors
/// measured for the authors' protocol.
std::vector<Claim> moebius_claims(const std::vector<RunRecord>& records, const Options& options,
                                  const std::string& departure);

}  // namespace elbow
