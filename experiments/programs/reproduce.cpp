// every experiment with both protocols, and one summary of what held
#include "experiments/reproduce.h"

#include "experiments/registry.h"

int main(int argc, char** argv) {
  return elbow::experiment_main(argc, argv, elbow::reproduce(elbow::experiments()));
}
