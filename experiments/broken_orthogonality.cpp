#include "experiments/broken_orthogonality.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "experiments/metrics.h"
#include "experiments/moebius.h"
#include "experiments/moebius_map.h"
#include "experiments/reference.h"
#include "experiments/text.h"
#include "experiments/vae_experiment.h"

namespace elbow {
namespace {

Options defaults(const Options& asked) {
  Options options = figure3_defaults(asked);
  // A correlation needs more runs than a median.
  options.seeds = first_seeds(asked.quick ? 20 : 100);
  options.gamma2 = {1e5};
  if (asked.dim != 2) return options;
  options.dim = 2;
  options.layers = 3;
  options.hidden = 20;
  options.gamma2 = {1e4};
  options.seeds = first_seeds((asked.quick ? 2 : 10) * static_cast<int>(std::size(column_cosines)));
  if (asked.recipe == Recipe::paper) options.learning_rate = 2e-4;
  return options;
}

void validate(const Options& options) {
  if (options.gamma2.size() > 1) {
    throw UsageError(
        fmt::format("[--gamma2] expected one precision, at which runs are compared, got {}; start the "
                    "program once for each",
                    options.gamma2.size()));
  }
  if (options.dim < 2) {
    throw UsageError("[--dim] expected at least 2, got 1: one column has no angle to another; take --dim 2");
  }
}

MixedData data(const Options& options, std::uint64_t seed, Index samples) {
  const Tensor linear =
      options.dim == 2 ? columns_at_angle(cosine_of_seed(seed)) : random_unimodular(seed, options.dim);
  return moebius_data(random_moebius(seed, options.dim), linear, seed, samples);
}

double c_ima_at_angle(double cosine) {
  return c_ima(columns_at_angle(cosine).to_vector<double>(), 2).value();
}

std::vector<MapGroup> groups_by_angle(const std::vector<RunRecord>& records, const std::string& column) {
  std::vector<MapGroup> groups;
  for (double cosine : column_cosines) {
    groups.push_back({"cos θ = " + shortest(cosine), c_ima_at_angle(cosine), ""});
    for (const RunRecord& record : records) {
      if (record.done() && cosine_of_seed(record.run.seed) == cosine) {
        groups.back().mcc.push_back(record.value(column));
      }
    }
  }
  return groups;
}

/// The paper's bins, the first one open below and the last one above.
std::vector<MapGroup> groups_by_bin(const std::vector<RunRecord>& records, const std::string& column) {
  const auto bins = figure3_right_reference();
  std::vector<MapGroup> groups;
  for (const BinnedRow& bin : bins) {
    groups.push_back({fmt::format("{} to {}", shortest(bin.low), shortest(bin.high)),
                      std::sqrt(bin.low * bin.high), format_number(bin.median)});
  }
  for (const RunRecord& record : records) {
    if (!record.done()) continue;
    std::size_t bin = 0;
    while (bin + 1 < bins.size() && record.value("map_c_ima") >= bins[bin].high) ++bin;
    groups[bin].mcc.push_back(record.value(column));
  }
  return groups;
}

}  // namespace

double cosine_of_seed(std::uint64_t seed) {
  constexpr std::size_t count = std::size(column_cosines);
  return column_cosines[(seed % count + count - 1) % count];
}

std::string mcc_column(Protocol protocol) { return protocol == Protocol::authors ? "mcc_minibatch" : "mcc"; }

std::vector<MapGroup> map_groups(const std::vector<RunRecord>& records, const Options& options) {
  const std::string column = mcc_column(options.protocol);
  return options.dim == 2 ? groups_by_angle(records, column) : groups_by_bin(records, column);
}

Experiment broken_orthogonality() {
  return experiment_of({"broken_orthogonality",
                        "Is less recovered the less orthogonal the mixing's columns are?", "Fig. 3 right",
                        defaults, validate, vae_config, data, broken_orthogonality_figure,
                        broken_orthogonality_claims});
}

}  // namespace elbow
