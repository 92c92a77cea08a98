#include <fmt/format.h>

#include "experiments/judge.h"
#include "experiments/moebius.h"
#include "experiments/statistics.h"

namespace elbow {
namespace {

std::vector<Claim> text_claims(const std::vector<RunRecord>& records, bool quick,
                               const std::string& departure) {
  Judge judge(records, departure);
  // With --quick three mixings, trained for 80 epochs, stand for the median of twenty.
  const double median_target = quick ? 0.97 : 0.99;
  const double quartile_target = quick ? 0.9 : 0.98;
  for (double gamma2 : precisions(records)) {
    if (gamma2 < 1e4) continue;
    judge.say_quantile({id("mcc", gamma2), "MCC, whole set, median, " + at(gamma2), "", "1"}, "mcc", gamma2,
                       0.5, Target::at_least(median_target));
    judge.say_quantile({id("mcc_q25", gamma2), "the same, lower quartile, " + at(gamma2), "", "1"}, "mcc",
                       gamma2, 0.25, Target::at_least(quartile_target));
  }
  return judge.take();
}

std::vector<Claim> authors_claims(const std::vector<RunRecord>& records, bool quick,
                                  const std::string& departure) {
  Judge judge(records, departure);
  // With --quick three seeds stand against the paper's median of twenty, after shorter training.
  const double slack = quick ? 2 : 1;
  for (const ReferenceRow& row : rows_of(figure3_left_reference(), "mcc")) {
    if (runs_at(records, row.gamma_square).empty()) continue;
    judge.say_quantile({id("mcc_minibatch", row.gamma_square),
                        "mcc_minibatch, median, " + at(row.gamma_square), format_number(row.median)},
                       "mcc_minibatch", row.gamma_square, 0.5,
                       Target::within(row.median, slack * (row.gamma_square == 1e3 ? 0.05 : 0.02)));
  }
  for (const ReferenceRow& row : rows_of(figure3_left_reference(), "c_ima(mean Jacobian)")) {
    if (runs_at(records, row.gamma_square).empty()) continue;
    judge.say_quantile(
        {id("c_ima_mean_jacobian", row.gamma_square),
         "c_ima_mean_jacobian, median, nats, " + at(row.gamma_square), format_number(row.median)},
        "c_ima_mean_jacobian", row.gamma_square, 0.5, Target::within_factor(row.median, slack * 2.5));
  }
  return judge.take();
}

}  // namespace

std::vector<Claim> moebius_claims(const std::vector<RunRecord>& records, const Options& options,
                                  const std::string& departure) {
  const std::string reason = unless_default_recipe(options, departure);
  return options.protocol == Protocol::authors ? authors_claims(records, options.quick, reason)
                                               : text_claims(records, options.quick, reason);
}

}  // namespace elbow
