#include "experiments/gaussian_rule.h"

#include <fmt/format.h>

#include <cmath>

#include "experiments/mixing.h"
#include "kernels/error.h"

namespace elbow {
namespace {

constexpr Index tensor_dimensions = 4;
constexpr Index points_along_axis = 7;
constexpr Index random_points = 1024;

/// The orthonormal Hermite polynomials h_0(x) .. h_degree(x) of N(0, 1).
std::vector<double> hermite(double x, Index degree) {
  std::vector<double> h = {1, x};
  for (Index k = 1; k < degree; ++k) {
    const auto n = static_cast<double>(k);
    h.push_back((x * h[k] - std::sqrt(n) * h[k - 1]) / std::sqrt(n + 1));
  }
  return h;
}

/// The root of h_degree between low and high, which lie on either side of it.
double root(Index degree, double low, double high) {
  const bool falls = hermite(low, degree)[degree] > 0;
  for (;;) {
    const double middle = 0.5 * (low + high);
    if (!(low < middle && middle < high)) return middle;
    ((hermite(middle, degree)[degree] > 0) == falls ? low : high) = middle;
  }
}

}  // namespace

GaussianRule gauss_hermite(Index points) {
  if (points < 1) throw UsageError(fmt::format("[gauss_hermite] expected at least 1 point, got {}", points));
  std::vector<double> roots;
  for (Index degree = 1; degree <= points; ++degree) {
    // Roots of one degree lie between those of the one below, and within 2 sqrt(degree).
    const double bound = 2 * std::sqrt(static_cast<double>(degree));
    std::vector<double> next;
    for (Index i = 0; i < degree; ++i) {
      next.push_back(root(degree, i == 0 ? -bound : roots[i - 1], i + 1 == degree ? bound : roots[i]));
    }
    roots = std::move(next);
  }
  GaussianRule rule{1, roots, {}};
  for (double x : roots) {
    double squares = 0;
    const std::vector<double> h = hermite(x, points);
    for (Index k = 0; k < points; ++k) squares += h[k] * h[k];
    rule.weights.push_back(1 / squares);
  }
  return rule;
}

GaussianRule tensor_product(const GaussianRule& rule, Index dim) {
  GaussianRule product{dim, {}, {1}};
  for (Index axis = 0; axis < dim; ++axis) {
    GaussianRule wider{dim, {}, {}};
    for (Index i = 0; i < product.points(); ++i) {
      for (Index j = 0; j < rule.points(); ++j) {
        const auto first = product.nodes.begin() + i * axis;
        wider.nodes.insert(wider.nodes.end(), first, first + axis);
        wider.nodes.push_back(rule.nodes[j]);
        wider.weights.push_back(product.weights[i] * rule.weights[j]);
      }
    }
    product = std::move(wider);
  }
  return product;
}

GaussianRule random_frames(std::uint64_t seed, Index dim, Index frames) {
  const auto d = static_cast<double>(dim);
  GaussianRule rule{dim, {}, {}};
  for (Index frame = 0; frame < frames; ++frame) {
    const std::vector<double> q =
        random_orthogonal(seed, static_cast<std::uint32_t>(frame), dim).to_vector<double>();
    for (double squared_radius : {d - std::sqrt(2 * d), d + std::sqrt(2 * d)}) {
      for (double sign : {-1.0, 1.0}) {
        for (double value : q) rule.nodes.push_back(sign * std::sqrt(squared_radius) * value);
      }
    }
  }
  rule.weights.assign(static_cast<std::size_t>(4 * dim * frames), 1 / (4 * d * static_cast<double>(frames)));
  return rule;
}

GaussianRule gaussian_rule(Index dim) {
  if (dim <= tensor_dimensions) return tensor_product(gauss_hermite(points_along_axis), dim);
  return random_frames(0, dim, (random_points + 4 * dim - 1) / (4 * dim));
}

}  // namespace elbow
