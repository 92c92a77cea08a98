#include <fmt/format.h>

#include "experiments/ima_likelihood.h"
#include "experiments/judge.h"
#include "experiments/statistics.h"

namespace elbow {
namespace {

struct Targets {
  double mcc_alone;    // at most
  double c_ima_alone;  // at least
  double mcc;          // regularised, at least
  double c_ima;        // regularised, at most
  double distance;     // of the two log-likelihoods
};

Targets targets(bool quick) {
  // With --quick a sixth of the steps and two mixings.
  if (quick) return {0.95, 0.2, 0.9, 0.1, 0.1};
  return {0.88, 0.4, 0.98, 0.01, 0.05};
}

constexpr double most_errors = 3;  // standard errors that a likelihood may be above the exact one by chance

class Methods {
 public:
  explicit Methods(const std::vector<RunRecord>& records) : records_(records) {}
  std::vector<double> values(const Method& method, const char* column) const {
    return pooled(runs_of(records_, method.name), column);
  }
  std::optional<double> median_of(const Method& method, const char* column) const {
    return median(values(method, column));
  }

 private:
  const std::vector<RunRecord>& records_;
};

/// The largest excess of a flow's log-likelihood over the exact one, in its standard errors.
std::optional<double> largest_excess(const Methods& methods) {
  std::vector<double> ratios;
  for (const Method& method : {likelihood, regularised}) {
    const std::vector<double> excess = methods.values(method, "excess");
    const std::vector<double> error = methods.values(method, "excess_error");
    for (std::size_t i = 0; i < excess.size(); ++i) ratios.push_back(excess[i] / error[i]);
  }
  return quantile(ratios, 1);
}

}  // namespace

std::vector<Claim> ima_likelihood_claims(const std::vector<RunRecord>& records, bool quick,
                                         const std::string& departure) {
  const Targets target = targets(quick);
  const Methods methods(records);
  Judge judge(records, departure);
  const auto say = [&](const Method& method, const char* column, const char* quantity, const Target& wanted) {
    const std::vector<double> values = methods.values(method, column);
    judge.say(
        {fmt::format("{}@{}", column, method.name), fmt::format("{}, median, {}", quantity, method.name)},
        median(values), values.size(), wanted);
  };
  say(likelihood, "mcc", "MCC, whole set", Target::at_most(target.mcc_alone));
  say(likelihood, "c_ima", "c_IMA of f = g^-1, nats", Target::at_least(target.c_ima_alone));
  say(regularised, "mcc", "MCC, whole set", Target::at_least(target.mcc));
  say(regularised, "c_ima", "c_IMA of f = g^-1, nats", Target::at_most(target.c_ima));

  const auto alone = methods.median_of(likelihood, "excess"), less = methods.median_of(regularised, "excess");
  const std::size_t flows =
      methods.values(likelihood, "excess").size() + methods.values(regularised, "excess").size();
  judge.say({"likelihoods", "E log p, regularised less alone, of the medians, nats", "", "0"},
            alone && less ? std::optional(*less - *alone) : std::nullopt, flows,
            Target::within(0, target.distance));
  judge.say({"never_above", "largest E[log p − exact log p] of a flow, in standard errors", "", "<= 0"},
            largest_excess(methods), flows, Target::at_most(most_errors));
  say(vae_method, "mcc", "MCC, whole set", Target::at_least(target.mcc));

  const std::size_t maps = methods.values(folding, "excess").size();
  judge.report({"folding", "unconstrained MLP: E[log det − exact log p], median, nats: no density"},
               methods.median_of(folding, "excess"), maps);
  judge.report(
      {"folding_reflected", "the same: share of samples whose determinant has the other sign, median"},
      methods.median_of(folding, "reflected"), maps);
  judge.report({"folding_mcc", "the same: MCC, whole set, median"}, methods.median_of(folding, "mcc"), maps);
  return judge.take();
}

}  // namespace elbow
