#include <fmt/format.h>

#include "experiments/broken_orthogonality.h"
#include "experiments/judge.h"
#include "experiments/statistics.h"

namespace elbow {
namespace {

std::optional<double> rank_correlation(std::span<const double> x, std::span<const double> y) {
  return spearman(x, y);
}

struct Limits {
  double correlation;  // at most
  double upper_end;    // of its 95 % interval, at most
};

Limits limits_of(const Options& options) {
  // The standard error of a rank correlation near -0.5 is 0.2 with the 20 seeds of --quick.
  if (options.quick) return {0, 0.4};
  return {options.recipe == Recipe::best ? -0.5 : -0.45, -0.25};
}

/// `paper` is of mini-batches; "" where it is not comparable.
void say_correlation(Judge& judge, const std::string& column, const std::vector<double>& c_ima,
                     const std::vector<double>& mcc, const std::string& paper, const Limits& limits) {
  const std::string why(why_undefined(c_ima, mcc));
  judge.say(
      {"spearman_" + column, fmt::format("Spearman correlation of {} and the map's c_IMA", column), paper},
      spearman(c_ima, mcc), mcc.size(), Target::at_most(limits.correlation), why);
  const auto interval = bootstrap_interval(c_ima, mcc, rank_correlation);
  judge.say({"spearman_" + column + "_upper", "upper end of its 95 % bootstrap interval"},
            interval ? std::optional(interval->high) : std::nullopt, mcc.size(),
            Target::at_most(limits.upper_end), why);
}

}  // namespace

std::vector<Claim> broken_orthogonality_claims(const std::vector<RunRecord>& records, const Options& options,
                                               const std::string& departure) {
  const bool other_maps = departure.empty() && options.dim == 2;
  Judge judge(records, other_maps ? "the targets are for three dimensions" : departure);
  const double gamma2 = options.gamma2.front();
  const std::vector<double> mcc = judge.values(gamma2, mcc_column(options.protocol));
  const std::vector<double> stretch = judge.values(gamma2, "stretch");
  const std::vector<double> c_ima = judge.values(gamma2, "map_c_ima");
  say_correlation(judge, "mcc", c_ima, judge.values(gamma2, "mcc"), "", limits_of(options));
  say_correlation(judge, "mcc_minibatch", c_ima, judge.values(gamma2, "mcc_minibatch"), "-0.47",
                  limits_of(options));
  for (const MapGroup& group : map_groups(records, options)) {
    judge.report({fmt::format("mcc@{:.3g}", group.c_ima),
                  fmt::format("{}, median, {}{}", mcc_column(options.protocol),
                              options.dim == 2 ? "" : "map's c_IMA ", group.name),
                  group.paper},
                 median(group.mcc), group.mcc.size());
  }
  judge.report({"spearman_stretch", "Spearman correlation of MCC and the stretch of the conformal part"},
               spearman(stretch, mcc), mcc.size());
  return judge.take();
}

}  // namespace elbow
