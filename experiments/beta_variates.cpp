#include "experiments/beta_variates.h"

#include <cmath>

#include "kernels/philox.h"

namespace elbow {
namespace {

double gamma_variate(double alpha, const Draw& draw) {
  const double d = alpha - 1.0 / 3, c = 1 / std::sqrt(9 * d);
  for (std::uint32_t attempt = 0;; ++attempt) {
    const kernels::PhiloxBlock block = kernels::philox(draw.seed, static_cast<std::uint32_t>(draw.stream),
                                                       draw.step, draw.first_sample, attempt);
    double normal, unused;
    kernels::normal_pair(block.word[0], block.word[1], normal, unused);
    const double root = 1 + c * normal;
    if (root <= 0) continue;
    const double v = root * root * root;
    const double uniform = kernels::uniform_from<double>(block.word[2]);
    if (std::log(uniform) < normal * normal / 2 + d * (1 - v + std::log(v))) return d * v;
  }
}

}  // namespace

double beta_variate(const BetaShape& shape, const Draw& draw) {
  const auto part = [&](double alpha, std::uint32_t which) {
    return gamma_variate(alpha, {draw.seed, draw.stream, 2 * draw.step + which, draw.first_sample});
  };
  const double g = part(shape.alpha, 0), h = part(shape.beta, 1);
  return g / (g + h);
}

}  // namespace elbow
