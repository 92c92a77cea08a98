// Fig. 3 right: is less recovered the less orthogonal the mixing's columns are?
#include "experiments/broken_orthogonality.h"

int main(int argc, char** argv) { return elbow::experiment_main(argc, argv, elbow::broken_orthogonality()); }
