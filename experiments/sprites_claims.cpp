#include <fmt/format.h>

#include <algorithm>

#include "experiments/judge.h"
#include "experiments/sprites.h"
#include "experiments/statistics.h"

namespace elbow {
namespace {

/// The first epoch whose validation has an MCC of at least 0.95, the mean over the runs; none unless all reach it.
std::optional<double> epochs_to_recovery(const std::vector<const RunRecord*>& runs) {
  constexpr double recovered = 0.95;
  std::vector<double> epochs;
  for (const RunRecord* run : runs) {
    const auto reached = std::find_if(run->history.begin(), run->history.end(), [](const Validation& v) {
      return value_of(v.values, "mcc") >= recovered;
    });
    if (reached == run->history.end()) return std::nullopt;
    epochs.push_back(static_cast<double>(reached->epoch));
  }
  return mean(epochs);
}

/// Spearman's, over all validations of all runs.
std::optional<double> correlation_along_training(const std::vector<const RunRecord*>& runs) {
  std::vector<double> mcc, c_ima;
  for (const RunRecord* run : runs) {
    for (const Validation& v : run->history) {
      mcc.push_back(value_of(v.values, "mcc"));
      c_ima.push_back(value_of(v.values, "c_ima"));
    }
  }
  return spearman(mcc, c_ima);
}

}  // namespace

std::vector<Claim> sprites_claims(const std::vector<RunRecord>& records, const std::string& departure) {
  const auto runs = runs_at(records, 1);
  Judge judge(records, departure);
  judge.say({"mcc", "MCC, whole set, mean over the seeds", "0.974 ± 0.003, of mini-batches"},
            mean(pooled(runs, "mcc")), runs.size(), Target::at_least(0.974));
  judge.report({"mcc_minibatch", "MCC of sampled latents in mini-batches, mean", "0.974"},
               mean(pooled(runs, "mcc_minibatch")), runs.size());
  for (const char* factor : {"x", "y", "scale", "hue"}) {
    judge.report(
        {fmt::format("mcc_{}", factor), fmt::format("correlation of {} with its latent, mean", factor)},
        mean(pooled(runs, fmt::format("mcc_{}", factor))), runs.size());
  }
  judge.report({"c_ima_mean_jacobian", "c_IMA of the mean Jacobian, mean, nats", "about 8e-3"},
               mean(pooled(runs, "c_ima_mean_jacobian")), runs.size());
  judge.report({"c_ima", "c_IMA, mean over samples and seeds, nats"}, mean(pooled(runs, "c_ima")),
               runs.size());
  judge.report({"epochs_to_095", "first epoch with an MCC of 0.95, mean"}, epochs_to_recovery(runs),
               runs.size());
  judge.report({"correlation", "Spearman correlation of MCC and c_IMA along training", "", "< 0"},
               correlation_along_training(runs), runs.size());
  return judge.take();
}

}  // namespace elbow
