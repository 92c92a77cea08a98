#pragma once
// Steps of VAEs by one kernel, for tests/kernel_hashes.h.
#include "tests/kernel_hashes.h"

namespace elbow::test {

/// In float32.
std::vector<HashedRun> vae_steps_runs();

}  // namespace elbow::test
