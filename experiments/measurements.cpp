#include "experiments/measurements.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "experiments/log.h"
#include "experiments/metrics.h"
#include "experiments/statistics.h"

namespace elbow {
namespace {

constexpr Index rows_at_once = 1000;
constexpr Index authors_batch = 64;

void append(std::vector<double>& all, const Tensor& part) {
  const std::vector<double> values = part.to_vector<double>();
  all.insert(all.end(), values.begin(), values.end());
}

/// What the model makes of the validation set, sample by sample; (samples, dim) each, row-major. With a squashed
/// prior y is what the encoder's Gaussian is of, and z = sigmoid(y); else z is y.
struct Encoded {
  std::vector<double> mean;      // z of mu(x)
  std::vector<double> sampled;   // z of a draw from q(y | x)
  std::vector<double> variance;  // sigma_k(x)^2, of y
  std::vector<double>
      jacobian;    // of the decoder by z at mu(x), (samples, observation_dim, dim), in the data's units
  double mse = 0;  // mean over the samples of |f(mu(x)) - x|^2 / observation_dim
};

/// Tangents (dim, batch, D) as Jacobians (batch, D, dim).
void append_jacobians(std::vector<double>& all, const Tensor& tangents, double scale) {
  const Index dim = tangents.shape()[0];
  const Index batch = tangents.shape()[1];
  const Index outputs = tangents.shape()[2];
  const std::vector<double> t = tangents.to_vector<double>();
  for (Index i = 0; i < batch; ++i) {
    for (Index c = 0; c < outputs; ++c) {
      for (Index k = 0; k < dim; ++k) all.push_back(scale * t[(k * batch + i) * outputs + c]);
    }
  }
}

Encoded encode_all(const VaeTraining& training, const Truth& truth, std::uint64_t seed) {
  const NoGradient off;
  const Vae& vae = training.vae();
  const Parameters& parameters = training.best_parameters();
  const double scale = training.data_scale();
  const Index samples = truth.observations.shape()[0];
  const Index dim = vae.config().latent_dim;
  const bool squash = squashed(vae.config().prior);
  const auto latent = [squash](const Variable& y) { return squash ? sigmoid(y) : y; };
  Encoded all;
  double squares = 0;
  for (Index first = 0; first < samples; first += rows_at_once) {
    const Index count = std::min(rows_at_once, samples - first);
    const Variable x = Variable(rows(truth.observations, first, count)) / scale;
    const Variable encoder = vae.encode(parameters, x);
    const Variable mu = slice(encoder, 1, 0, dim);
    const Variable sigma = exponential(0.5 * slice(encoder, 1, dim, dim));
    const Variable noise(normal({seed, Stream::final_noise, 1, static_cast<std::uint32_t>(first)}, count, dim,
                                x.dtype(), x.device()));
    const Dual decoded = vae.decode(parameters, seeded(latent(mu)));
    append(all.mean, latent(mu).value());
    append(all.sampled, latent(mu + sigma * noise).value());
    append(all.variance, square(sigma).value());
    append_jacobians(all.jacobian, decoded.tangents.value(), scale);
    for (double residual : (decoded.primal - x).value().to_vector<double>()) squares += residual * residual;
  }
  all.mse = squares * scale * scale / static_cast<double>(truth.observations.count());
  return all;
}

/// -(log p_y)'' of the fixed priors of models/vae.h, and dz/dy, both where the latent is z.
struct AtLatent {
  double curvature;
  double slope;
};

AtLatent at_latent(kernels::Prior prior, double z) {
  switch (prior) {
    case kernels::Prior::gaussian:
      return {1, 1};
    case kernels::Prior::uniform:
    case kernels::Prior::beta:  // Beta(1, 1); log p_y = log z(1 - z)
      return {2 * z * (1 - z), z * (1 - z)};
    case kernels::Prior::laplace:
      return {0, 1};
  }
  return {1, 1};
}

/// Right side of eq. 12 in the coordinate y, per sample and latent; J by y has the columns J[:,k] dz_k/dy_k.
std::vector<double> right_side_12(const Encoded& all, kernels::Prior prior, double precision, Index outputs,
                                  Index dim) {
  std::vector<double> result;
  const Index size = outputs * dim;
  for (std::size_t at = 0; at + size <= all.jacobian.size(); at += size) {
    for (double norm : column_norms(std::span(all.jacobian).subspan(at, size), outputs, dim)) {
      const auto [curvature, slope] = at_latent(prior, all.mean[result.size()]);
      result.push_back(1 / (curvature + precision * norm * norm * slope * slope));
    }
  }
  return result;
}

std::vector<double> column(const std::vector<double>& matrix, Index columns, Index k) {
  std::vector<double> result;
  for (std::size_t i = k; i < matrix.size(); i += columns) result.push_back(matrix[i]);
  return result;
}

/// Mean over full batches of c_IMA of the batch's mean Jacobian, as the authors report it.
double c_ima_of_mean_jacobians(const Encoded& all, Index dim) {
  const std::size_t size = authors_batch * dim * dim;
  std::vector<double> values;
  for (std::size_t at = 0; at + size <= all.jacobian.size(); at += size) {
    values.push_back(or_nan(c_ima_mean_jacobian(std::span(all.jacobian).subspan(at, size), dim)));
  }
  return or_nan(mean(values));
}

/// Of the decoder's Jacobian at mu(x) from the mixing's at the source, mean over the samples. It takes no notice of the
/// order, sign and scale of latents, which no VAE can know.
double mean_amari_distance(const Encoded& all, const Truth& truth, Index dim) {
  const std::vector<double> jacobian = truth.jacobian.to_vector<double>();
  const auto size = static_cast<std::size_t>(dim * dim);
  std::vector<double> values;
  for (std::size_t at = 0; at + size <= jacobian.size(); at += size) {
    values.push_back(or_nan(amari_distance(std::span(jacobian).subspan(at, size),
                                           std::span(all.jacobian).subspan(at, size), dim)));
  }
  return or_nan(mean(values));
}

/// Says which latents carry nothing, since no correlation with them is defined.
void warn_of_constants(const Encoded& all, Index dim, const VaeTraining& training) {
  for (Index k = 0; k < dim; ++k) {
    const std::vector<double> values = column(all.mean, dim, k);
    if (std::adjacent_find(values.begin(), values.end(), std::not_equal_to<>()) != values.end()) continue;
    log_warning(fmt::format("seed {}, gamma^2 {:g}: latent {} is constant, {}; its MCC is not defined",
                            training.config().seed, training.precision(), k + 1,
                            values.empty() ? 0.0 : values.front()));
  }
}

void append_eq12(Values& values, const Encoded& all, kernels::Prior prior, double precision, Index outputs,
                 Index dim) {
  const std::vector<double> right = right_side_12(all, prior, precision, outputs, dim);
  std::vector<double> ratio(right.size());
  for (std::size_t i = 0; i < right.size(); ++i) ratio[i] = all.variance[i] / right[i];
  const auto mean_of = [](std::span<const double> values) { return mean(values); };
  const auto median_of = [](std::span<const double> values) { return median(values); };
  const auto per_latent = [&](const char* name, const std::vector<double>& matrix, const auto& statistic) {
    for (Index k = 0; k < dim; ++k) {
      values.emplace_back(fmt::format("{}_{}", name, k + 1), or_nan(statistic(column(matrix, dim, k))));
    }
  };
  per_latent("sigma2", all.variance, mean_of);
  per_latent("rhs12", right, mean_of);
  per_latent("sigma2_median", all.variance, median_of);
  per_latent("ratio12_median", ratio, median_of);
}

}  // namespace

bool squashed(kernels::Prior prior) {
  bool result = false;
  kernels::with_prior(prior, [&](auto density) { result = density.squashed; });
  return result;
}

double mcc(const Truth& truth, std::span<const double> latents, Correlation correlation) {
  const Index dim = truth.sources.shape()[1];
  const auto found = mean_correlation(truth.sources.to_vector<double>(), latents, dim, correlation);
  return found ? found->mcc : std::numeric_limits<double>::quiet_NaN();
}

KnownData known_data(const MixedData& data, Device device) {
  const Split observations = split(data.observations.to(DType::float32).to(device));
  const Split sources = split(data.sources);
  const auto first = data.log_density.begin() + sources.train.shape()[0];
  return {observations,
          {sources.validation,
           observations.validation,
           {first, first + sources.validation.shape()[0]},
           data.jacobian(sources.validation)}};
}

Values measure(const VaeTraining& training, const Truth& truth) {
  const Vae& vae = training.vae();
  const Index dim = vae.config().latent_dim;
  const Index outputs = vae.config().observation_dim;
  const MeanElbo fresh =
      training.evaluate(training.best_parameters(), truth.observations, Stream::final_noise, 0);
  const Encoded all = encode_all(training, truth, training.config().seed);
  warn_of_constants(all, dim, training);
  Values values = {
      {"neg_elbo", fresh.neg_elbo},
      {"gap", fresh.neg_elbo + or_nan(mean(truth.log_density))},
      {"reconstruction", fresh.reconstruction},
      {"kl", fresh.kl},
      {"mcc", mcc(truth, all.mean, Correlation::pearson)},
      {"mcc_spearman", mcc(truth, all.mean, Correlation::spearman)},
      {"mcc_minibatch",
       or_nan(mcc_minibatch(truth.sources.to_vector<double>(), all.sampled, dim, authors_batch))},
      {"r2", or_nan(r_squared(truth.sources.to_vector<double>(), all.mean, dim))},
      {"c_ima", or_nan(mean_c_ima(all.jacobian, dim))},
      {"amari", mean_amari_distance(all, truth, dim)},
      {"conformal_contrast", or_nan(mean_conformal_contrast(all.jacobian, dim))},
      {"c_ima_mean_jacobian", c_ima_of_mean_jacobians(all, dim)},
      {"mse_reconstruction", all.mse},
  };
  append_eq12(values, all, vae.config().prior, training.precision(), outputs, dim);
  return values;
}

}  // namespace elbow
