#pragma once
// All experiments as one: each with both protocols, in a run folder of its own inside reproduce's, and one
// summary.
#include <vector>

#include "experiments/experiment.h"

namespace elbow {

/// An error ends the experiment it befalls, not the others; it stands in the summary as a claim that fails,
/// and the worst one decides the exit code.
Experiment reproduce(const std::vector<Experiment>& experiments);

}  // namespace elbow
