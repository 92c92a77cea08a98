#pragma once
// Every experiment there is, in the order of the paper. A new one adds its line in registry.cpp.
#include <vector>

#include "experiments/experiment.h"

namespace elbow {

const std::vector<Experiment>& experiments();

}  // namespace elbow
