// Fig. 2: does a nearly deterministic VAE invert its decoder, with variances as eq. 12 says?
#include "experiments/self_consistency.h"

int main(int argc, char** argv) { return elbow::experiment_main(argc, argv, elbow::self_consistency()); }
