#include "experiments/registry.h"

#include "experiments/broken_orthogonality.h"
#include "experiments/elbo_gap.h"
#include "experiments/ima_likelihood.h"
#include "experiments/moebius.h"
#include "experiments/self_consistency.h"
#include "experiments/sprites.h"

namespace elbow {

const std::vector<Experiment>& experiments() {
  static const std::vector<Experiment> all = {
      self_consistency(), moebius(), broken_orthogonality(), elbo_gap(), sprites(), ima_likelihood(),
  };
  return all;
}

}  // namespace elbow
