#pragma once
// The data of Fig. 5: images of one sprite whose position, size and hue are the true latent factors.
#include <string>
#include <vector>

#include "engine/tensor.h"
#include "engine/workers.h"
#include "experiments/sprite.h"

namespace elbow {

/// Where the picture shows a sprite that is at (x, y). `none` is in the IMA class, the others are not: the columns of their
/// Jacobians by x and y are not orthogonal.
///   affine      x + 0.3 (y - c), y                                 c = 0.475, the middle of the positions
///   projective  c + ((x, y) - c) / (1 + 0.8 (y - c))
enum class Distortion { none, affine, projective };

struct SpriteSetConfig {
  std::string shape = "triangle";
  bool turns = false;  ///< a fifth factor, the angle
  Distortion distortion = Distortion::none;
  Index size = 64;  ///< pixels a side, >= 1
};

struct SpriteSet {
  Tensor images;                   ///< (samples, size size 3), uint8
  std::vector<double> factors;     ///< (samples, names), each in (0, 1)
  std::vector<std::string> names;  ///< x, y, scale, hue, and angle if it is one
};

/// A Beta(alpha, beta) variate, alpha and beta >= 1: a pure function of its arguments. Of two Gamma variates by rejection
/// (Marsaglia & Tsang 2000).
double beta_variate(std::uint64_t seed, std::uint32_t factor, std::uint32_t sample, double alpha,
                    double beta);

/// alpha and beta of each factor, uniform in (2, 15), by turns.
std::vector<double> beta_parameters(std::uint64_t seed, Index factors);

/// The sprite that factors b, each in (0, 1), stand for: position 0.2 + 0.55 b, scale 0.11 + 0.09 b, hue b, angle 360 b.
Sprite sprite_of(const double* factors, const SpriteSetConfig& config);

/// A pure function of its arguments, whatever the number of workers: factors b ~ Beta of their own, images drawn.
SpriteSet sprite_set(std::uint64_t seed, Index samples, const SpriteSetConfig& config, Workers& workers);

}  // namespace elbow
