#include "experiments/moebius.h"

#include <fmt/format.h>

#include "experiments/moebius_map.h"
#include "experiments/vae_experiment.h"

namespace elbow {
namespace {

// The data set of all of the authors' runs is that of their seed 1.
constexpr std::uint64_t authors_data_seed = 1;

void validate(const Options& options) {
  if (options.protocol == Protocol::authors && options.dim != 3) {
    throw UsageError(
        fmt::format("[--dim] expected 3 with --protocol authors, whose one mixing has 3 dimensions, got {}; "
                    "take --protocol "
                    "text, which draws mixings of any",
                    options.dim));
  }
}

MixedData data(const Options& options, std::uint64_t seed, Index samples) {
  if (options.protocol == Protocol::authors) {
    return moebius_data(authors_moebius(), authors_data_seed, samples);
  }
  return moebius_data(random_moebius(seed, options.dim), seed, samples);
}

}  // namespace

Options figure3_defaults(const Options& asked) {
  Options options = vae_defaults(asked);
  options.prior = kernels::Prior::uniform;
  options.layers = 2;
  options.hidden = 30;
  if (asked.recipe == Recipe::best) {
    options.activation = Activation::gelu;
    options.learning_rate = 1e-2;
  }
  return options;
}

Experiment moebius() {
  return experiment_of({"moebius", "Does the encoder recover the sources of a conformal mixing?",
                        "Fig. 3 left", figure3_defaults, validate, vae_config, data, moebius_figure,
                        moebius_claims});
}

}  // namespace elbow
