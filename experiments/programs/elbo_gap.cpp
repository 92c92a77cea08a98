// Fig. 4: does the optimal ELBO of a fixed decoder approach log p(x) - c_IMA, as Theorem 1 says?
#include "experiments/elbo_gap.h"

int main(int argc, char** argv) { return elbow::experiment_main(argc, argv, elbow::elbo_gap()); }
