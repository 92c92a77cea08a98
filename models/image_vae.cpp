#include "models/image_vae.h"

#include <fmt/format.h>

#include <cmath>

namespace elbow {
namespace {

constexpr Index kernel = 4;
constexpr ConvolutionGeometry halving{2, 1};  // of kernel 4: n to n / 2, and back
constexpr Index shrinking = 16;               // by four of them

const ImageVaeConfig& checked(const ImageVaeConfig& config) {
  if (config.height < 1 || config.width < 1 || config.height % shrinking != 0 ||
      config.width % shrinking != 0) {
    throw UsageError(fmt::format("images: expected height and width to be multiples of {}, got {} x {}",
                                 shrinking, config.height, config.width));
  }
  const auto at_least_one = [](const char* what, Index value) {
    if (value < 1) throw UsageError(fmt::format("{}: expected at least 1, got {}", what, value));
  };
  at_least_one("channels", config.channels);
  at_least_one("latent dimension", config.latent_dim);
  at_least_one("features", config.features);
  at_least_one("hidden", config.hidden);
  for (const double parameter : config.beta_parameters) {
    if (!(parameter > 0))
      throw UsageError(fmt::format("Beta prior: expected parameters above 0, got {}", parameter));
  }
  if (config.learned_prior && config.prior != kernels::Prior::beta) {
    throw UsageError("learned prior: expected the Beta prior, whose parameters can be learned");
  }
  return config;
}

/// Elements of the smallest layer of features.
Index smallest(const ImageVaeConfig& c) { return c.height / shrinking * (c.width / shrinking) * c.features; }

Dual relu(const Dual& x) {
  return elementwise(x, [](const Variable& a) { return elbow::relu(a); });
}

/// mu | log(sigma^2 + v) of mu | log sigma^2.
Variable widened(const Variable& posterior, double v) {
  if (v == 0) return posterior;
  const Index d = posterior.shape()[1] / 2;
  const Variable log_variance = slice(posterior, 1, d, d);
  return concatenate({slice(posterior, 1, 0, d), softplus(log_variance - std::log(v)) + std::log(v)}, 1);
}

/// Uniform within +-bound.
void draw(Parameters& parameters, std::uint64_t seed, int parameter, double bound, const Shape& shape) {
  const Draw at{seed, Stream::weights, static_cast<std::uint32_t>(parameter)};
  const Index columns = shape[-1];
  parameters.assign(parameter, uniform(at, -bound, bound, shape.count() / columns, columns, DType::float32)
                                   .to(parameters.flat().dtype())
                                   .reshaped(shape)
                                   .to(parameters.flat().device()));
}

}  // namespace

ImageVae::ImageVae(const ImageVaeConfig& config)
    : config_(checked(config)),
      encoder_(layout_, "encoder", {smallest(config), config.hidden, config.hidden, 2 * config.latent_dim},
               Activation::relu),
      decoder_(layout_, "decoder", {config.latent_dim, config.hidden, config.hidden, smallest(config)},
               Activation::relu) {
  const auto layer = [this](const std::string& name, Index large, Index small, Index bias) {
    return Layer{layout_.add(name + ".weight", {kernel, kernel, large, small}),
                 layout_.add(name + ".bias", {bias})};
  };
  for (int i = 0; i < layers; ++i) {
    const Index large = i == 0 ? config.channels : config.features;
    convolutions_[i] =
        layer(fmt::format("encoder.convolution.{}", i), large, config.features, config.features);
  }
  for (int i = 0; i < layers; ++i) {
    const Index large = i + 1 == layers ? config.channels : config.features;
    transposed_[i] = layer(fmt::format("decoder.convolution.{}", i), large, config.features, large);
  }
  if (config.learned_prior) prior_ = layout_.add("prior", {2, config.latent_dim});
}

Parameters ImageVae::initial_parameters(std::uint64_t seed, DType dtype, Device device) const {
  Parameters parameters(layout_, dtype, device);
  encoder_.initialise(parameters, seed);
  decoder_.initialise(parameters, seed);
  for (const auto* network : {&convolutions_, &transposed_}) {
    for (const Layer& layer : *network) {
      const Shape& shape = layout_.shape(layer.weight);
      const bool transposes = network == &transposed_;
      // A pixel of the large image is reached by a quarter of the kernel.
      const Index fan_in = kernel * kernel * (transposes ? shape[3] / 4 : shape[2]);
      draw(parameters, seed, layer.weight, std::sqrt(6.0 / static_cast<double>(fan_in)), shape);
    }
  }
  if (prior_ >= 0)
    parameters.assign(prior_, Tensor::full(layout_.shape(prior_), dtype, 1, device));  // Beta(3, 3)
  return parameters;
}

Variable ImageVae::encode(const Parameters& parameters, const Variable& images) const {
  const Index batch = images.shape()[0];
  Variable x = reshape(images, {batch, config_.height, config_.width, config_.channels});
  for (const Layer& layer : convolutions_) {
    x = convolution_relu(x, parameters[layer.weight], parameters[layer.bias], halving);
  }
  return encoder_(parameters, reshape(x, {batch, smallest(config_)}));
}

template <class Value>
Value ImageVae::features_of(const Parameters& parameters, const Value& latent) const {
  return reshape_rows(relu(decoder_(parameters, latent)),
                      {config_.height / shrinking, config_.width / shrinking, config_.features});
}

template <class Value>
Value ImageVae::image_of(const Parameters& parameters, Value x) const {
  for (int i = 0; i < layers; ++i) {
    const Variable &weight = parameters[transposed_[i].weight], &bias = parameters[transposed_[i].bias];
    x = i + 1 < layers ? transposed_convolution_relu(x, weight, bias, halving)
                       : transposed_convolution(x, weight, bias, halving);
  }
  return reshape_rows(x, {config_.observation_dim()});
}

Variable ImageVae::decode(const Parameters& parameters, const Variable& latent) const {
  return image_of(parameters, features_of(parameters, latent));
}
Dual ImageVae::decode(const Parameters& parameters, const Dual& latent) const {
  return image(parameters, features(parameters, latent));
}
Dual ImageVae::features(const Parameters& parameters, const Dual& latent) const {
  return features_of(parameters, latent);
}
Dual ImageVae::image(const Parameters& parameters, const Dual& features) const {
  return image_of(parameters, features);
}

Variable ImageVae::prior_parameters(const Parameters& parameters) const {
  if (prior_ >= 0) return absolute(parameters[prior_]) + 2;
  const Tensor& like = parameters.flat();
  Tensor rows =
      Tensor::zeros({2, config_.latent_dim}, like.dtype(), like.device());  // N(0, 1), U(0, 1), Laplace(0, 1)
  if (config_.prior == kernels::Prior::beta) {
    for (Index row = 0; row < 2; ++row) {
      rows.part(row * config_.latent_dim, {config_.latent_dim})
          .assign(Tensor::full({config_.latent_dim}, like.dtype(), config_.beta_parameters[row]));
    }
  }
  return Variable(rows);
}

Elbo ImageVae::elbo(const Parameters& parameters, const Tensor& pixels, const Tensor& noise, double precision,
                    double added_variance) const {
  const Variable images(pixel_values(pixels, parameters.flat().dtype()));
  const auto [latent, kl] =
      elbo_latent(widened(encode(parameters, images), added_variance), prior_parameters(parameters), noise,
                  config_.prior, kernels::KlForm::sampled);
  const Variable f = decode(parameters, latent);
  return {latent, f, pixel_reconstruction(pixels, f, precision), kl};
}

}  // namespace elbow
