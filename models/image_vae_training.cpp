#include "models/image_vae_training.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/ops.h"
#include "kernels/gram.h"

namespace elbow {
namespace {

constexpr double collapsed_kl = 0.01;    // nats
constexpr Index steps_to_recover = 100;  // after gamma^2 has got there
constexpr Index evaluation_images = 16;  // at a time on a core: their activations stay in its cache
constexpr Index summed_elements = 8192;  // of each share's gradient, at a time on a core: likewise

Index pieces(Index count, Index piece) { return (count + piece - 1) / piece; }

const Split& checked(const Split& data, const ImageVae& vae) {
  const Tensor& train = data.train;
  const bool fits = train.shape().rank() == 2 && train.shape()[1] == vae.config().observation_dim();
  if (!fits || train.dtype() != DType::uint8) {
    throw UsageError(fmt::format("images: expected uint8 pixels (samples, {}), got {} {}",
                                 vae.config().observation_dim(), name(train.dtype()),
                                 to_string(train.shape())));
  }
  return data;
}

const ImageVaeTrainingConfig& checked(const ImageVaeTrainingConfig& config) {
  const auto expect_precision = [](double precision) {
    if (!(precision > 0) || !std::isfinite(precision)) {
      throw UsageError(fmt::format("gamma^2: expected a finite number above 0, got {}", precision));
    }
  };
  expect_precision(config.precision);
  double before = 0;
  for (const AnnealingKnot& knot : config.annealing) {
    expect_precision(knot.precision);
    if (!(knot.added_variance >= 0) || !std::isfinite(knot.added_variance)) {
      throw UsageError(
          fmt::format("added variance: expected a finite number from 0 on, got {}", knot.added_variance));
    }
    const bool is_first = &knot == &config.annealing.front();
    if (is_first ? knot.share != 0 : !(knot.share > before && knot.share <= 1)) {
      throw UsageError(fmt::format(
          "annealing: expected shares of the steps that ascend from 0 to at most 1, got {}", knot.share));
    }
    before = knot.share;
  }
  return config;
}

/// What -log p(x | z) has beyond gamma^2 / 2 |x - f|^2.
double constant_of(Index dim, double precision) {
  return 0.5 * static_cast<double>(dim) * (std::log(2 * math::pi) - std::log(precision));
}

/// Some of the samples.
Dual part(const Dual& x, Index first, Index count) {
  return {slice(x.primal, 0, first, count), slice(x.tangents, 1, first, count)};
}

/// Of tangents (d, count, dim): J^T J of each sample, (count, d, d), and J added to `total`, (d, dim).
void add_products(const Tensor& tangents, double* gram, std::vector<double>& total) {
  const Tensor host = tangents.to(Device::cpu);
  const Shape& shape = host.shape();
  kernels::cpu::run(
      kernels::Gram<float>{shape[0], shape[1], shape[2], host.data<float>(), gram, total.data()});
}

}  // namespace

ImageVaeTraining::ImageVaeTraining(const ImageVae& vae, const ImageVaeTrainingConfig& config,
                                   const Split& data, ImageProbe probe)
    : Training(vae.layout(), vae.initial_parameters(config.seed, DType::float32, data.train.device()), config,
               checked(data, vae)),
      vae_(vae),
      image_config_(checked(config)),
      probe_(std::move(probe)),
      workers_(data.train.device() == Device::cpu ? config.threads : 1),  // a GPU is busy with one
      gradients_(vae.layout(), DType::float32, data.train.device()) {
  const Index shares = pieces(config.batch, image_share);
  for (Index i = 0; i < shares; ++i) leaves_.emplace_back(layout(), parameters().flat());
  share_gradients_.resize(leaves_.size());
}

Index ImageVaeTraining::annealing_steps() const {
  const std::vector<AnnealingKnot>& knots = image_config_.annealing;
  return knots.empty() ? 0 : static_cast<Index>(knots.back().share * static_cast<double>(steps_in_all()));
}

AnnealingKnot ImageVaeTraining::annealed_at(Index step) const {
  const std::vector<AnnealingKnot>& knots = image_config_.annealing;
  const double share = static_cast<double>(step) / static_cast<double>(steps_in_all());
  const auto next = std::find_if(knots.begin(), knots.end(), [&](const auto& k) { return share < k.share; });
  if (next == knots.end()) return {share, image_config_.precision};
  const AnnealingKnot& last = *std::prev(next);  // the first one's share is 0
  const double way = (share - last.share) / (next->share - last.share);
  return {share, last.precision * std::pow(next->precision / last.precision, way),
          std::lerp(last.added_variance, next->added_variance, way)};
}

Variable ImageVaeTraining::share_of_loss(const Parameters& parameters, const Tensor& images, Index first,
                                         Index batch) const {
  const Tensor noise = normal({config().seed, Stream::training_noise, static_cast<std::uint32_t>(steps()),
                               static_cast<std::uint32_t>(first)},
                              images.shape()[0], vae_.config().latent_dim, DType::float32, images.device());
  const AnnealingKnot now = annealed_at(steps());
  const Elbo elbo = vae_.elbo(parameters, images, noise, now.precision, now.added_variance);
  return sum(elbo.reconstruction + elbo.kl) / static_cast<double>(batch);
}

Variable ImageVaeTraining::loss(const Tensor& observations) const {
  return share_of_loss(parameters(), observations, 0, observations.shape()[0]);
}

double ImageVaeTraining::differentiate(const Tensor& observations, Gradients& found) {
  const Index batch = observations.shape()[0], shares = pieces(batch, image_share);
  std::vector<double> losses(static_cast<std::size_t>(shares));
  workers_.run(shares, [&](Index i) {
    const Index first = i * image_share;
    const Tensor images = rows(observations, first, std::min(image_share, batch - first));
    const Variable value = share_of_loss(leaves_[i], images, first, batch);
    losses[i] = value.value().item();
    share_gradients_[i] = gradients(value, leaves_[i].variables());
  });
  workers_.run(layout().size(), [&](Index k) {
    const NoGradient off;
    const Index count = layout().shape(static_cast<int>(k)).count();
    const Index at_a_time = device() == Device::cpu ? summed_elements : count;
    for (Index first = 0; first < count; first += at_a_time) {
      const Shape some{1, std::min(at_a_time, count - first)};
      Variables parts;
      for (const Gradients& own : share_gradients_) parts.emplace_back(own[k].value().part(first, some));
      const Tensor total = sum(concatenate(parts, 0), 0).value();
      gradients_[static_cast<int>(k)].value().part(first, total.shape()).assign(total);
    }
  });
  found = gradients_.variables();
  double loss = 0;
  for (const double value : losses) loss += value;
  return loss;
}

MeanElbo ImageVaeTraining::evaluate(const Parameters& parameters, const Tensor& images, Stream stream,
                                    std::uint32_t draw) const {
  const Index samples = images.shape()[0];
  std::vector<MeanElbo> parts(static_cast<std::size_t>(pieces(samples, evaluation_images)));
  workers_.run(static_cast<Index>(parts.size()), [&](Index i) {
    const NoGradient off;
    const Index first = i * evaluation_images;
    const Tensor part = rows(images, first, std::min(evaluation_images, samples - first));
    const Tensor noise = normal({config().seed, stream, draw, static_cast<std::uint32_t>(first)},
                                part.shape()[0], vae_.config().latent_dim, DType::float32, part.device());
    const Elbo elbo = vae_.elbo(parameters, part, noise, image_config_.precision);
    parts[i].reconstruction = total(elbo.reconstruction);
    parts[i].kl = total(elbo.kl);
  });
  MeanElbo result;
  for (const MeanElbo& part : parts) {
    result.reconstruction += part.reconstruction;
    result.kl += part.kl;
  }
  result.reconstruction = result.reconstruction / static_cast<double>(samples) -
                          constant_of(vae_.config().observation_dim(), image_config_.precision);
  result.kl /= static_cast<double>(samples);
  result.neg_elbo = result.reconstruction + result.kl;
  return result;
}

std::vector<double> ImageVaeTraining::encode(const Parameters& parameters, const Tensor& images) const {
  const Index samples = images.shape()[0], columns = 2 * vae_.config().latent_dim;
  std::vector<double> encoded(static_cast<std::size_t>(samples * columns));
  workers_.run(pieces(samples, evaluation_images), [&](Index i) {
    const NoGradient off;
    const Index first = i * evaluation_images;
    const Tensor part = pixel_values(rows(images, first, std::min(evaluation_images, samples - first)));
    const std::vector<double> found = vae_.encode(parameters, Variable(part)).value().to_vector<double>();
    std::copy(found.begin(), found.end(), encoded.begin() + first * columns);
  });
  return encoded;
}

ImageVaeTraining::Grams ImageVaeTraining::grams(const Parameters& parameters,
                                                const std::vector<double>& latents) const {
  constexpr Index at_a_time = 4;  // d images each
  const Index d = vae_.config().latent_dim, dim = vae_.config().observation_dim();
  const Index samples = static_cast<Index>(latents.size()) / d;
  Grams result;
  result.gram.resize(static_cast<std::size_t>(samples * d * d));
  result.total_jacobian.assign(static_cast<std::size_t>(dim * d), 0);
  // Each share adds up its own Jacobians, so that no sum depends on the threads.
  const Index share = std::max<Index>(16, pieces(samples, 64));
  std::vector<std::vector<double>> totals(static_cast<std::size_t>(pieces(samples, share)));
  workers_.run(static_cast<Index>(totals.size()), [&](Index i) {
    const NoGradient off;
    totals[i].assign(static_cast<std::size_t>(d * dim), 0);
    const Index end = std::min((i + 1) * share, samples);
    const std::vector<double> z(latents.begin() + i * share * d, latents.begin() + end * d);
    const Variable at(Tensor::from(z, {end - i * share, d}).to(DType::float32).to(device()));
    const Dual features = vae_.features(parameters, seeded(at));
    for (Index first = i * share; first < end; first += at_a_time) {
      const Dual some = part(features, first - i * share, std::min(at_a_time, end - first));
      add_products(vae_.image(parameters, some).tangents.value(), result.gram.data() + first * d * d,
                   totals[i]);
    }
  });
  for (const std::vector<double>& own : totals) {
    for (Index k = 0; k < d; ++k) {
      for (Index i = 0; i < dim; ++i) result.total_jacobian[i * d + k] += own[k * dim + i];
    }
  }
  return result;
}

std::vector<double> ImageVaeTraining::validation(const Tensor& observations) const {
  const MeanElbo found =
      evaluate(parameters(), observations, Stream::validation_noise, static_cast<std::uint32_t>(epoch()));
  if (steps() >= annealing_steps() + steps_to_recover && found.kl < collapsed_kl) {
    throw NumericalError(
        fmt::format("collapsed at step {} of {}: the KL is {:.2g} nats, so the decoder uses no latent; try a "
                    "larger first gamma^2 or a smaller learning rate",
                    steps(), identity(), found.kl));
  }
  std::vector<double> values{found.neg_elbo, found.reconstruction, found.kl};
  if (probe_.measure) {
    const std::vector<double> more = probe_.measure(*this);
    values.insert(values.end(), more.begin(), more.end());
  }
  return values;
}

std::vector<std::string> ImageVaeTraining::validation_names() const {
  std::vector<std::string> names{"neg_elbo", "reconstruction", "kl"};
  names.insert(names.end(), probe_.names.begin(), probe_.names.end());
  return names;
}

std::string ImageVaeTraining::identity() const {
  return fmt::format("seed {}, gamma^2 {:g}", config().seed, image_config_.precision);
}

}  // namespace elbow
