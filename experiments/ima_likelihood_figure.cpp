#include "experiments/ima_likelihood.h"

namespace elbow {
namespace {

Series series(const std::vector<RunRecord>& records, const Method& method, Role role, const char* column) {
  Series result{method.label, Kind::points, role, {}, {}};
  for (const RunRecord* record : runs_of(records, method.name)) {
    result.x.push_back(static_cast<double>(record->run.seed));
    result.y.push_back(record->value(column));
  }
  return result;
}

Panel panel(const std::vector<RunRecord>& records, const char* column, std::string title, std::string label) {
  return {
      std::move(title),
      "mixing",
      std::move(label),
      false,
      false,
      {series(records, likelihood, Role::second, column), series(records, regularised, Role::ours, column),
       series(records, vae_method, Role::third, column)}};
}

}  // namespace

Figure ima_likelihood_figure(const std::vector<RunRecord>& records) {
  Figure figure{"Likelihood alone, less c_{IMA}, and a VAE, on conformal mixings",
                {panel(records, "mcc", "Recovery of the sources", "MCC, whole set"),
                 panel(records, "c_ima", "Orthogonality of the columns", "{/:Italic c}_{IMA}, nats"),
                 panel(records, "excess", "Fit", "E log {/:Italic p} less the exact one, nats")}};
  figure.panels[1].log_y = true;
  Series exact = series(records, likelihood, Role::theory, "excess");
  exact.label = "exact density";
  exact.kind = Kind::line;
  exact.y.assign(exact.y.size(), 0);
  figure.panels[2].series.push_back(exact);
  return figure;
}

}  // namespace elbow
