// Fig. 3 left: does a VAE recover the sources of a conformal mixing?
#include "experiments/moebius.h"

int main(int argc, char** argv) { return elbow::experiment_main(argc, argv, elbow::moebius()); }
