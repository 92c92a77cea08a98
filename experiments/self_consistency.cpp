#include "experiments/self_consistency.h"

#include "experiments/vae_experiment.h"

namespace elbow {
namespace {

Options defaults(const Options& asked) {
  Options options = vae_defaults(asked);
  options.layers = asked.protocol == Protocol::authors ? 2 : 4;
  options.hidden = asked.protocol == Protocol::authors ? 30 : 60;
  if (asked.recipe == Recipe::best) {
    options.activation = Activation::smooth_leaky_relu;
    options.learning_rate = 2e-3;
  }
  return options;
}

VaeConfig vae(const Options& options) {
  VaeConfig config = vae_config(options);
  config.learned_prior = options.protocol == Protocol::authors;
  return config;
}

MixedData data(const Options& options, std::uint64_t seed, Index samples) {
  const Mixing mixing = options.protocol == Protocol::authors ? Mixing::rotation : Mixing::orthogonal_layers;
  return mixed_data(mixing, seed, samples, options.dim);
}

}  // namespace

Experiment self_consistency() {
  return experiment_of(
      {"self_consistency",
       "Does the encoder invert a nearly deterministic decoder, with variances as eq. 12 says?",
       "Fig. 2",
       defaults,
       {},
       vae,
       data,
       self_consistency_figure,
       self_consistency_claims});
}

}  // namespace elbow
