// Fig. 5: does a convolutional VAE find position, size and hue of a sprite?
#include "experiments/sprites.h"

int main(int argc, char** argv) { return elbow::experiment_main(argc, argv, elbow::sprites()); }
