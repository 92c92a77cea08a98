// Beyond the paper: does likelihood find the sources, alone, less c_IMA, or as a VAE's ELBO?
#include "experiments/ima_likelihood.h"

int main(int argc, char** argv) { return elbow::experiment_main(argc, argv, elbow::ima_likelihood()); }
