#pragma once
// Fig. 5: does a convolutional VAE find position, size and hue of a sprite, and do MCC and c_IMA go together?
#include "experiments/experiment.h"
#include "experiments/figure.h"
#include "experiments/run_record.h"
#include "models/image_vae_training.h"

namespace elbow {

Experiment sprites();

/// What a run's latents are measured against: the validation part of its data.
struct SpriteTruth {
  Tensor images;                ///< (samples, pixels), uint8
  std::vector<double> factors;  ///< (samples, names); none of images whose factors are not known
  std::vector<std::string> names;
};

/// z of mu(x) for each image, (samples, latent_dim), as the decoder sees it.
std::vector<double> mean_latents(const ImageVaeTraining& training, const Parameters& parameters,
                                 const Tensor& images);

/// c_IMA's mean over the samples and of the mean Jacobian; and where the factors are known, MCC of mean latents over the whole
/// set and of sampled ones in mini-batches, and the correlation of each factor.
Values measure_latents(const ImageVaeTraining& training, const Parameters& parameters,
                       const SpriteTruth& truth);

/// Columns of runs.csv: the ELBO, and those of measure_latents.
Values measure_sprites(const ImageVaeTraining& training, const Parameters& parameters,
                       const SpriteTruth& truth);

/// MCC and c_IMA during training beside the paper's, and true against estimated factors of the run of `seed`, whose truth and
/// mean latents are given.
Figure sprites_figure(const std::vector<RunRecord>& records, std::uint64_t seed, const SpriteTruth& truth,
                      const std::vector<double>& latents);

/// `departure` says in what the options differ from what the targets were written for.
std::vector<Claim> sprites_claims(const std::vector<RunRecord>& records, const std::string& departure);

/// Rows of images, RGB bytes.
struct Sheet {
  Index width, height;
  std::vector<std::uint8_t> pixels;
};

/// In the first two rows, images and what the model makes of them; below, a row for each latent, which goes from its 2 % to its
/// 98 % quantile while the others stay at their means.
Sheet traversals(const ImageVaeTraining& training, const Parameters& parameters, const SpriteTruth& truth,
                 const std::vector<double>& latents);

/// In the first row, images; below, a row for each latent k with the column df/dz_k of the decoder's Jacobian at each of them:
/// grey is 0, black and white the row's largest size.
Sheet jacobian_columns(const ImageVaeTraining& training, const Parameters& parameters,
                       const SpriteTruth& truth, const std::vector<double>& latents);

}  // namespace elbow
