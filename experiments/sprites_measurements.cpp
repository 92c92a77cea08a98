#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "experiments/measurements.h"
#include "experiments/metrics.h"
#include "experiments/sprites.h"
#include "experiments/statistics.h"

namespace elbow {
namespace {

double seen_by_decoder(double y, bool squashes) { return squashes ? 1 / (1 + std::exp(-y)) : y; }

/// A draw from q(z | x) for each image.
std::vector<double> sampled_latents(const ImageVaeTraining& training, const std::vector<double>& encoded,
                                    Index dim) {
  const auto samples = static_cast<Index>(encoded.size()) / (2 * dim);
  const std::vector<double> noise =
      normal({training.config().seed, Stream::final_noise}, samples, dim, DType::float32).to_vector<double>();
  const bool squashes = squashed(training.vae().config().prior);
  std::vector<double> latents;
  for (Index i = 0; i < samples; ++i) {
    for (Index k = 0; k < dim; ++k) {
      const double mu = encoded[2 * i * dim + k], log_variance = encoded[(2 * i + 1) * dim + k];
      latents.push_back(seen_by_decoder(mu + std::exp(log_variance / 2) * noise[i * dim + k], squashes));
    }
  }
  return latents;
}

std::vector<double> means_of(const ImageVaeTraining& training, const std::vector<double>& encoded,
                             Index dim) {
  const bool squashes = squashed(training.vae().config().prior);
  std::vector<double> latents;
  for (std::size_t i = 0; i < encoded.size(); i += 2 * dim) {
    for (Index k = 0; k < dim; ++k) latents.push_back(seen_by_decoder(encoded[i + k], squashes));
  }
  return latents;
}

/// The mean over samples of c_IMA of their Jacobians, from J^T J.
std::optional<double> mean_of_grams(const std::vector<double>& grams, Index dim) {
  double total = 0;
  const auto size = static_cast<std::size_t>(dim * dim);
  for (std::size_t i = 0; i < grams.size(); i += size) {
    const auto found = c_ima_of_gram(std::span(grams).subspan(i, size), dim);
    if (!found) return std::nullopt;
    total += *found;
  }
  return total * static_cast<double>(size) / static_cast<double>(grams.size());
}

/// Of (rows, dim).
std::vector<double> gram_of(const std::vector<double>& jacobian, Index dim) {
  std::vector<double> gram(static_cast<std::size_t>(dim * dim), 0);
  for (std::size_t row = 0; row < jacobian.size(); row += dim) {
    for (Index k = 0; k < dim; ++k) {
      for (Index l = 0; l < dim; ++l) gram[k * dim + l] += jacobian[row + k] * jacobian[row + l];
    }
  }
  return gram;
}

}  // namespace

std::vector<double> mean_latents(const ImageVaeTraining& training, const Parameters& parameters,
                                 const Tensor& images) {
  return means_of(training, training.encode(parameters, images), training.vae().config().latent_dim);
}

Values measure_latents(const ImageVaeTraining& training, const Parameters& parameters,
                       const SpriteTruth& truth) {
  const Index dim = training.vae().config().latent_dim;
  const double none = std::numeric_limits<double>::quiet_NaN();
  const std::vector<double> encoded = training.encode(parameters, truth.images);
  const std::vector<double> means = means_of(training, encoded, dim);
  const ImageVaeTraining::Grams found = training.grams(parameters, means);
  Values values{{"c_ima", or_nan(mean_of_grams(found.gram, dim))},
                {"c_ima_mean_jacobian", or_nan(c_ima_of_gram(gram_of(found.total_jacobian, dim), dim))}};
  if (truth.names.empty()) return values;
  const auto whole = mean_correlation(truth.factors, means, dim);
  const auto ranks = mean_correlation(truth.factors, means, dim, Correlation::spearman);
  const auto batches = mcc_minibatch(truth.factors, sampled_latents(training, encoded, dim), dim);
  values.emplace_back("mcc", whole ? whole->mcc : none);
  values.emplace_back("mcc_spearman", ranks ? ranks->mcc : none);
  values.emplace_back("mcc_minibatch", or_nan(batches));
  for (Index k = 0; k < dim; ++k) {
    values.emplace_back("mcc_" + truth.names[k], whole ? whole->correlation_of_factor[k] : none);
  }
  return values;
}

Values measure_sprites(const ImageVaeTraining& training, const Parameters& parameters,
                       const SpriteTruth& truth) {
  const MeanElbo elbo = training.evaluate(parameters, truth.images, Stream::final_noise, 1);
  Values values{{"neg_elbo", elbo.neg_elbo}, {"reconstruction", elbo.reconstruction}, {"kl", elbo.kl}};
  const Values latents = measure_latents(training, parameters, truth);
  values.insert(values.end(), latents.begin(), latents.end());
  return values;
}

}  // namespace elbow
