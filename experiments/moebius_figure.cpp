#include <fmt/format.h>

#include "experiments/figure_series.h"
#include "experiments/moebius.h"
#include "experiments/text.h"

namespace elbow {
namespace {

/// One column at each gamma^2: a box of the quartiles, and every run.
std::vector<Series> boxes(const std::vector<RunRecord>& records, const std::string& column) {
  const std::vector<double> x = precisions(records);
  std::vector<std::vector<double>> groups;
  Series runs{"elbow, one run", Kind::points, Role::ours, {}, {}};
  for (double gamma2 : x) {
    groups.push_back(pooled(runs_at(records, gamma2), column));
    runs.x.insert(runs.x.end(), groups.back().size(), gamma2);
    runs.y.insert(runs.y.end(), groups.back().begin(), groups.back().end());
  }
  Series box = quartile_series("elbow, quartiles", Role::ours, x, groups);
  box.kind = Kind::box;
  return {box, runs};
}

/// The panel of one column, with the paper's medians at the precisions of the runs.
Panel panel(const std::vector<RunRecord>& records, const std::string& column, std::string title,
            std::string label, const char* quantity, const std::string& paper) {
  Panel result{std::move(title), "γ^2", std::move(label), true, false, boxes(records, column)};
  Series reference = paper_series(figure3_left_reference(), quantity);
  reference.label = paper;
  result.series.push_back(reference);
  return result;
}

/// MCC of every run at the precisions from 1e4 on, where a consistent encoder is expected.
Panel against_stretch(const std::vector<RunRecord>& records, const std::string& column, std::string label) {
  Panel result{"Difficulty of the mixing",
               "stretch, max / min of ‖{/:Italic z} − {/:Italic a}‖^2",
               std::move(label),
               true,
               false,
               {}};
  const Role roles[] = {Role::second, Role::third, Role::fourth, Role::fifth};
  for (double gamma2 : precisions(records)) {
    if (gamma2 < 1e4 || result.series.size() == std::size(roles)) continue;
    const auto runs = runs_at(records, gamma2);
    result.series.push_back({"γ^2 = " + shortest(gamma2), Kind::points, roles[result.series.size()],
                             pooled(runs, "stretch"), pooled(runs, column)});
  }
  return result;
}

}  // namespace

Figure moebius_figure(const std::vector<RunRecord>& records, const Options& options) {
  if (options.protocol == Protocol::authors) {
    Figure figure{
        "Conformal mixing, the authors' protocol (one mixing)",
        {panel(records, "mcc_minibatch", "Recovery of the sources", "MCC of mini-batches", "mcc",
               "paper, median"),
         panel(records, "c_ima_mean_jacobian", "Orthogonality of the decoder's columns",
               "{/:Italic c}_{IMA} of the mean Jacobian", "c_ima(mean Jacobian)", "paper, median")}};
    figure.panels[1].log_y = true;
    return figure;
  }
  const char* const paper = "paper, of mini-batches and mean Jacobians";
  Figure figure{"Conformal mixing, the protocol of the paper's text",
                {panel(records, "mcc", "Recovery of the sources", "MCC, whole set", "mcc", paper),
                 panel(records, "c_ima", "Orthogonality of the decoder's columns",
                       "{/:Italic c}_{IMA}, mean over samples", "c_ima(mean Jacobian)", paper),
                 against_stretch(records, "mcc", "MCC, whole set")}};
  figure.panels[1].log_y = true;
  return figure;
}

}  // namespace elbow
