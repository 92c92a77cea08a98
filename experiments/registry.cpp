#include "experiments/registry.h"

#include "experiments/self_consistency.h"

namespace elbow {

const std::vector<Experiment>& experiments() {
  static const std::vector<Experiment> all = {
      self_consistency(),
  };
  return all;
}

}  // namespace elbow
