#include <algorithm>
#include <cmath>

#include "experiments/sprites.h"
#include "experiments/statistics.h"

namespace elbow {
namespace {

constexpr Index columns = 10;

/// The first samples of a set, again from the start if there are no more.
Index shown_sample(const SpriteTruth& truth, Index column) { return column % truth.images.shape()[0]; }

/// (columns, pixels), 0 to 1.
std::vector<double> shown_images(const SpriteTruth& truth) {
  std::vector<double> shown;
  for (Index c = 0; c < columns; ++c) {
    const std::vector<double> image =
        pixel_values(rows(truth.images, shown_sample(truth, c), 1)).to_vector<double>();
    shown.insert(shown.end(), image.begin(), image.end());
  }
  return shown;
}

/// (columns, dim)
std::vector<double> shown_latents(const SpriteTruth& truth, const std::vector<double>& latents, Index dim) {
  std::vector<double> shown;
  for (Index c = 0; c < columns; ++c) {
    const auto first = latents.begin() + shown_sample(truth, c) * dim;
    shown.insert(shown.end(), first, first + dim);
  }
  return shown;
}

/// (dim, columns, dim): each latent in turn from its 2 % to its 98 % quantile, the others at their means.
std::vector<double> moved_latents(const std::vector<double>& latents, Index dim) {
  std::vector<std::vector<double>> of_latent(dim);
  for (std::size_t i = 0; i < latents.size(); ++i) of_latent[i % dim].push_back(latents[i]);
  std::vector<double> wanted;
  for (Index moved = 0; moved < dim; ++moved) {
    const double low = *quantile(of_latent[moved], 0.02), high = *quantile(of_latent[moved], 0.98);
    for (Index c = 0; c < columns; ++c) {
      for (Index k = 0; k < dim; ++k) {
        wanted.push_back(k == moved ? low + (high - low) * static_cast<double>(c) / (columns - 1)
                                    : *mean(of_latent[k]));
      }
    }
  }
  return wanted;
}

Variable at(const std::vector<double>& latents, const Parameters& parameters, Index dim) {
  const Tensor z = Tensor::from(latents, {static_cast<Index>(latents.size()) / dim, dim});
  return Variable(z.to(DType::float32).to(parameters.flat().device()));
}

/// Of images (rows, columns, height, width, channels) with values from 0 to 1, whose channels are one, then grey, or three.
Sheet sheet_of(const std::vector<double>& shown, const ImageVaeConfig& config) {
  const Index pixels = config.observation_dim(), images = static_cast<Index>(shown.size()) / pixels;
  Sheet sheet{columns * config.width, images / columns * config.height, {}};
  sheet.pixels.resize(static_cast<std::size_t>(sheet.width * sheet.height * 3));
  for (Index i = 0; i < images; ++i) {
    for (Index pixel = 0; pixel < config.height * config.width; ++pixel) {
      const Index row = i / columns * config.height + pixel / config.width;
      const Index column = i % columns * config.width + pixel % config.width;
      for (Index c = 0; c < 3; ++c) {
        const double value = shown[i * pixels + pixel * config.channels + std::min(c, config.channels - 1)];
        sheet.pixels[(row * sheet.width + column) * 3 + c] =
            static_cast<std::uint8_t>(std::lround(255 * std::clamp(value, 0.0, 1.0)));
      }
    }
  }
  return sheet;
}

}  // namespace

Sheet traversals(const ImageVaeTraining& training, const Parameters& parameters, const SpriteTruth& truth,
                 const std::vector<double>& latents) {
  const NoGradient off;
  const ImageVaeConfig& config = training.vae().config();
  std::vector<double> wanted = shown_latents(truth, latents, config.latent_dim);
  const std::vector<double> moved = moved_latents(latents, config.latent_dim);
  wanted.insert(wanted.end(), moved.begin(), moved.end());
  const std::vector<double> decoded = training.vae()
                                          .decode(parameters, at(wanted, parameters, config.latent_dim))
                                          .value()
                                          .to_vector<double>();
  std::vector<double> shown = shown_images(truth);
  shown.insert(shown.end(), decoded.begin(), decoded.end());
  return sheet_of(shown, config);
}

Sheet jacobian_columns(const ImageVaeTraining& training, const Parameters& parameters,
                       const SpriteTruth& truth, const std::vector<double>& latents) {
  const NoGradient off;
  const ImageVaeConfig& config = training.vae().config();
  const std::vector<double> wanted = shown_latents(truth, latents, config.latent_dim);
  const Dual decoded = training.vae().decode(parameters, seeded(at(wanted, parameters, config.latent_dim)));
  std::vector<double> shown = shown_images(truth);
  const std::vector<double> tangents = decoded.tangents.value().to_vector<double>();
  const Index row = columns * config.observation_dim();
  for (auto first = tangents.begin(); first != tangents.end(); first += row) {
    double largest = 0;
    std::for_each(first, first + row, [&](double x) { largest = std::max(largest, std::abs(x)); });
    std::transform(first, first + row, std::back_inserter(shown),
                   [&](double x) { return largest > 0 ? 0.5 + 0.5 * x / largest : 0.5; });
  }
  return sheet_of(shown, config);
}

}  // namespace elbow
