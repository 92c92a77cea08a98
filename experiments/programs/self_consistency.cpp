#include "experiments/self_consistency.h"

int main(int argc, char** argv) { return elbow::experiment_main(argc, argv, elbow::self_consistency()); }
