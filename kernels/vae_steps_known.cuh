#pragma once
// Steps of models whose shapes the compiler knows: no place is worked out while they run.
#include "kernels/vae_steps.h"

namespace elbow::kernels::cuda {

/// Of shapes fig2 or moebius.
template <class T>
void run_known(const VaeTrainings<T>&);  // float

}  // namespace elbow::kernels::cuda
