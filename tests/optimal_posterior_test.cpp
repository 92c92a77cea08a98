// The decoders of Fig. 4 and ELBO* without an encoder.
#include "experiments/optimal_posterior.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "engine/ops.h"
#include "engine/random.h"
#include "experiments/known_decoders.h"
#include "experiments/statistics.h"
#include "kernels/unary_functions.h"
#include "tests/thrown.h"

namespace elbow {
namespace {

constexpr double epsilon = std::numeric_limits<double>::epsilon();
constexpr Index dim = 3;

FixedMlp network(const std::vector<Tensor>& weights) {
  return {weights, Activation::smooth_leaky_relu, DType::float64};
}
Tensor sources(std::uint64_t seed, Index samples) {
  return normal({seed, Stream::test}, samples, dim, DType::float64);
}

double smooth(double t) { return kernels::unary_functions::smooth_leaky_relu{}(t, leaky_slope); }
double slope_of_smooth(double t) {
  return kernels::unary_functions::smooth_leaky_relu_slope{}(t, leaky_slope);
}

/// The t with smooth(t) = value, by Newton's method: the function is convex and its slope at least 0.2.
double inverse_of_smooth(double value) {
  double t = value;
  for (int i = 0; i < 60; ++i) t -= (smooth(t) - value) / slope_of_smooth(t);
  return t;
}

/// Solves W z = x for an upper triangular W.
std::vector<double> back_substituted(const std::vector<double>& w, std::vector<double> x) {
  for (Index row = dim; row-- > 0;) {
    for (Index k = row + 1; k < dim; ++k) x[row] -= w[row * dim + k] * x[k];
    x[row] /= w[row * dim + row];
  }
  return x;
}

TEST(KnownDecoders, TriangularWeightsAreAsDescribed) {
  std::vector<double> above;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    const auto weights = triangular_weights(seed, dim);
    ASSERT_EQ(weights.size(), 3u);
    for (const Tensor& weight : weights) {
      const auto w = weight.to_vector<double>();
      for (Index row = 0; row < dim; ++row) {
        EXPECT_GT(w[row * dim + row], 0.5);
        EXPECT_LT(w[row * dim + row], 1.5);
        for (Index k = 0; k < row; ++k) EXPECT_EQ(w[row * dim + k], 0);
        for (Index k = row + 1; k < dim; ++k) above.push_back(w[row * dim + k]);
      }
    }
  }
  double squares = 0;
  for (double w : above) squares += w * w;
  // 1,800 standard normal numbers: five standard errors.
  EXPECT_NEAR(*mean(above), 0, 5 / std::sqrt(1800));
  EXPECT_NEAR(squares / 1800, 1, 5 * std::sqrt(2.0 / 1800));
}

TEST(KnownDecoders, TheInverseGivesTheSourcesBack) {
  const auto weights = triangular_weights(4, dim);
  const KnownPoints points = known_points(network(weights), sources(1, 33));
  for (Index i = 0; i < points.samples(); ++i) {
    std::vector<double> h(points.observations.begin() + i * dim, points.observations.begin() + (i + 1) * dim);
    for (std::size_t layer = 3; layer-- > 0;) {
      h = back_substituted(weights[layer].to_vector<double>(), h);
      if (layer == 0) break;
      for (double& value : h) value = inverse_of_smooth(value);
    }
    for (Index k = 0; k < dim; ++k) EXPECT_NEAR(h[k], points.sources[i * dim + k], 1e-11);
  }
}

/// log abs det J, the sum over layers of log diagonals and log slopes, of one sample.
double log_determinant(const std::vector<Tensor>& weights, std::vector<double> h) {
  double sum = 0;
  for (std::size_t layer = 0; layer < weights.size(); ++layer) {
    const auto w = weights[layer].to_vector<double>();
    std::vector<double> next(dim);
    for (Index row = 0; row < dim; ++row) {
      if (layer > 0) sum += std::log(slope_of_smooth(h[row]));
      sum += std::log(w[row * dim + row]);
    }
    if (layer > 0) std::transform(h.begin(), h.end(), h.begin(), smooth);
    for (Index row = 0; row < dim; ++row) {
      for (Index k = 0; k < dim; ++k) next[row] += w[row * dim + k] * h[k];
    }
    h = next;
  }
  return sum;
}

TEST(KnownPoints, DensityAndColumnNormsAreThoseOfTheDecoder) {
  const auto weights = triangular_weights(2, dim);
  const FixedMlp decoder = network(weights);
  const KnownPoints points = known_points(decoder, sources(3, 17));
  const double step = 1e-6;
  for (Index i = 0; i < points.samples(); ++i) {
    const std::vector<double> z(points.sources.begin() + i * dim, points.sources.begin() + (i + 1) * dim);
    double log_prior = -1.5 * math::log_two_pi;
    for (double value : z) log_prior -= 0.5 * value * value;
    EXPECT_NEAR(points.log_density[i], log_prior - log_determinant(weights, z), 1e-12);
    for (Index k = 0; k < dim; ++k) {
      std::vector<double> both = z;
      both.insert(both.end(), z.begin(), z.end());
      both[k] += step;
      both[dim + k] -= step;
      const auto f = decoder(Variable(Tensor::from(both, {2, dim}))).value().to_vector<double>();
      double square = 0;
      for (Index c = 0; c < dim; ++c) square += std::pow((f[c] - f[dim + c]) / (2 * step), 2);
      EXPECT_NEAR(points.column_norms[i * dim + k], std::sqrt(square), 1e-8);
    }
  }
}

TEST(KnownPoints, TheControlIsInTheImaClass) {
  const KnownPoints control = known_points(network(separable_weights(1, dim)), sources(5, 257));
  for (double c : control.c_ima) EXPECT_NEAR(c, 0, 100 * epsilon);
  const KnownPoints other = known_points(network(triangular_weights(1, dim)), sources(5, 257));
  EXPECT_GT(*mean(other.c_ima), 0.1);
}

/// Symmetric positive definite matrices: log det and the quadratic form x^T A^-1 x by Gaussian elimination.
std::pair<double, double> log_det_and_form(std::vector<double> a, std::vector<double> x) {
  double log_det = 0, form = 0;
  for (Index p = 0; p < dim; ++p) {
    const double pivot = a[p * dim + p];
    log_det += std::log(pivot);
    form += x[p] * x[p] / pivot;
    for (Index row = p + 1; row < dim; ++row) {
      const double factor = a[row * dim + p] / pivot;
      for (Index k = p; k < dim; ++k) a[row * dim + k] -= factor * a[p * dim + k];
      x[row] -= factor * x[p];
    }
  }
  return {log_det, form};
}

std::vector<double> product(const std::vector<double>& w, bool transposed_first) {
  std::vector<double> result(dim * dim);
  for (Index i = 0; i < dim; ++i) {
    for (Index j = 0; j < dim; ++j) {
      for (Index k = 0; k < dim; ++k) {
        result[i * dim + j] +=
            transposed_first ? w[k * dim + i] * w[k * dim + j] : w[i * dim + k] * w[j * dim + k];
      }
    }
  }
  return result;
}

TEST(OptimalPosterior, OfALinearDecoderIsTheClosedForm) {
  const Tensor weight = triangular_weights(3, dim).front();
  const auto w = weight.to_vector<double>();
  const FixedMlp decoder({weight}, Activation::identity, DType::float64);
  const KnownPoints points = known_points(decoder, sources(2, 17));
  for (double precision : {1e1, 1e3, 1e5, 1e7}) {
    const Optimum optimum = optimal_posterior(decoder, points, precision, gaussian_rule(dim));
    std::vector<double> lambda = product(w, true), covariance = product(w, false);
    for (double& value : lambda) value *= precision;
    double log_diagonal = 0;
    for (Index k = 0; k < dim; ++k) {
      lambda[k * dim + k] += 1;
      covariance[k * dim + k] += 1 / precision;
      log_diagonal += std::log(lambda[k * dim + k]);
    }
    const double expected = 0.5 * (log_diagonal - log_det_and_form(lambda, std::vector<double>(dim)).first);
    for (Index i = 0; i < points.samples(); ++i) {
      const std::vector<double> x(points.observations.begin() + i * dim,
                                  points.observations.begin() + (i + 1) * dim);
      const auto [log_det, form] = log_det_and_form(covariance, x);
      const double log_density = -0.5 * (form + log_det + dim * math::log_two_pi);
      const double elbo = points.log_density[i] - points.c_ima[i] - optimum.ima_minus_elbo[i];
      EXPECT_NEAR(log_density - elbo, expected, 1e-6) << "gamma^2 " << precision << ", x " << i;
      for (Index k = 0; k < dim; ++k) {
        EXPECT_NEAR(2 * optimum.posterior.log_sigma[i * dim + k], -std::log(lambda[k * dim + k]), 1e-6);
      }
    }
  }
}

TEST(OptimalPosterior, IsNotImprovedByMoving) {
  const FixedMlp decoder = network(triangular_weights(5, dim));
  const KnownPoints points = known_points(decoder, sources(4, 9));
  const GaussianRule rule = gaussian_rule(dim);
  for (double precision : {1e1, 1e3, 1e7}) {
    const Optimum optimum = optimal_posterior(decoder, points, precision, rule);
    const auto expect_no_better = [&](const Posterior& other) {
      const auto values = ima_minus_elbo(decoder, points, other, precision, rule);
      for (std::size_t i = 0; i < values.size(); ++i) EXPECT_GT(values[i], optimum.ima_minus_elbo[i] - 1e-9);
    };
    expect_no_better(theoretical_posterior(points, precision));
    for (std::size_t k = 0; k < dim; ++k) {
      for (double sign : {-1.0, 1.0}) {
        Posterior mean = optimum.posterior, deviation = optimum.posterior;
        for (std::size_t at = k; at < mean.mean.size(); at += dim) {
          mean.mean[at] += sign * 0.01 * std::exp(mean.log_sigma[at]);
          deviation.log_sigma[at] += sign * 0.01;
        }
        expect_no_better(mean);
        expect_no_better(deviation);
      }
    }
  }
}

TEST(OptimalPosterior, DoesNotDependOnTheRule) {
  const FixedMlp decoder = network(triangular_weights(5, dim));
  const KnownPoints points = known_points(decoder, sources(6, 17));
  for (double precision : {1e1, 1e4}) {
    const auto coarse = optimal_posterior(decoder, points, precision, gaussian_rule(dim)).ima_minus_elbo;
    const auto fine =
        optimal_posterior(decoder, points, precision, tensor_product(gauss_hermite(10), dim)).ima_minus_elbo;
    const auto random =
        optimal_posterior(decoder, points, precision, random_frames(0, dim, 50)).ima_minus_elbo;
    EXPECT_NEAR(*mean(coarse), *mean(fine), 1e-5) << precision;
    EXPECT_NEAR(*mean(random), *mean(fine), 0.02) << precision;
  }
}

TEST(FixedMlp, RefusesWidthsThatDoNotFit) {
  const Tensor narrow = Tensor::zeros({2, 3}, DType::float64);
  EXPECT_EQ(test::thrown<UsageError>([&] {
              FixedMlp({narrow, narrow}, Activation::identity, DType::float64);
            }),
            "fixed MLP: expected weight 1 of shape (out, 2), got (2, 3)");
  EXPECT_THROW(FixedMlp({}, Activation::identity, DType::float64), UsageError);
}

}  // namespace
}  // namespace elbow
