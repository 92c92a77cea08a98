#include <fmt/format.h>

#include <cmath>

#include "experiments/broken_orthogonality.h"
#include "experiments/figure_series.h"
#include "experiments/reference.h"
#include "experiments/statistics.h"

namespace elbow {
namespace {

std::string with_minus_sign(double number) {
  return fmt::format("{}{:.2f}", number < 0 ? "−" : "", std::abs(number));
}

/// "Spearman −0.54 (−0.68 to −0.37)", with the 95 % bootstrap interval.
std::string correlation_in_words(const std::vector<double>& x, const std::vector<double>& y) {
  const auto correlation = spearman(x, y);
  if (!correlation) return fmt::format("Spearman not defined: {}", why_undefined(x, y));
  const auto interval = bootstrap_interval(x, y, [](auto left, auto right) { return spearman(left, right); });
  const std::string range =
      interval ? fmt::format(" ({} to {})", with_minus_sign(interval->low), with_minus_sign(interval->high))
               : "";
  return "Spearman " + with_minus_sign(*correlation) + range;
}

/// MCC of every run against another of its columns.
Panel scatter(const std::vector<RunRecord>& records, const Options& options, const std::string& column,
              std::string label) {
  const auto runs = runs_at(records, options.gamma2.front());
  const Series series{"elbow, one run", Kind::points, Role::ours, pooled(runs, column),
                      pooled(runs, mcc_column(options.protocol))};
  const char* const mcc = options.protocol == Protocol::authors ? "MCC of mini-batches" : "MCC, whole set";
  return {correlation_in_words(series.x, series.y), std::move(label), mcc, true, false, {series}};
}

Series medians(const std::vector<MapGroup>& groups, const std::string& label) {
  std::vector<double> x;
  std::vector<std::vector<double>> mcc;
  for (const MapGroup& group : groups) {
    if (group.mcc.empty()) continue;
    x.push_back(group.c_ima);
    mcc.push_back(group.mcc);
  }
  Series series = quartile_series(label, Role::second, x, mcc);
  series.kind = Kind::line_points;
  return series;
}

Series paper(const std::string& label) {
  Series series{label, Kind::points, Role::paper, {}, {}};
  for (const BinnedRow& bin : figure3_right_reference()) {
    series.x.push_back(std::sqrt(bin.low * bin.high));
    series.y.push_back(bin.median);
    series.low.push_back(bin.q25);
    series.high.push_back(bin.q75);
  }
  return series;
}

}  // namespace

Figure broken_orthogonality_figure(const std::vector<RunRecord>& records, const Options& options) {
  Panel map = scatter(records, options, "map_c_ima", "{/:Italic c}_{IMA} of the linear map");
  const std::vector<MapGroup> groups = map_groups(records, options);
  if (options.dim == 2) {
    map.log_x = false;  // orthogonal columns have c_IMA 0
    map.series.push_back(medians(groups, "elbow, median at an angle"));
  } else {
    map.series.push_back(medians(groups, "elbow, median of a bin"));
    map.series.push_back(
        paper(options.protocol == Protocol::authors ? "paper, median of a bin" : "paper, of mini-batches"));
  }
  const char* const protocol =
      options.protocol == Protocol::authors ? "the authors' protocol" : "the protocol of the paper's text";
  return {fmt::format("Broken orthogonality in {} dimensions, {}", options.dim, protocol),
          {map, scatter(records, options, "stretch",
                        "stretch of the conformal part, max / min of ‖{/:Italic z} − {/:Italic a}‖^2")}};
}

}  // namespace elbow
