#include <fmt/format.h>

#include <algorithm>

#include "experiments/metrics.h"
#include "experiments/reference.h"
#include "experiments/sprites.h"

namespace elbow {
namespace {

Series along_training(const RunRecord& record, const std::string& column, Role role) {
  Series series{fmt::format("elbow, seed {}", record.run.seed), Kind::line, role, {}, {}};
  for (const Validation& v : record.history) {
    series.x.push_back(static_cast<double>(v.epoch));
    series.y.push_back(value_of(v.values, column));
  }
  return series;
}

Panel training_panel(const std::vector<RunRecord>& records, const std::string& column, std::string title,
                     std::string label, const Series& paper) {
  Panel panel{std::move(title), "epoch", std::move(label), false, false, {}};
  const Role roles[] = {Role::ours, Role::second, Role::third, Role::fourth};
  for (std::size_t i = 0; i < std::min(records.size(), std::size(roles)); ++i) {
    panel.series.push_back(along_training(records[i], column, roles[i]));
  }
  panel.series.push_back(paper);
  return panel;
}

/// Of every so many samples each factor and the estimate that is assigned to it.
Panel scatter(std::uint64_t seed, const SpriteTruth& truth, const std::vector<double>& latents) {
  Panel panel{fmt::format("True and estimated factors, seed {}", seed),
              "true factor",
              "estimated factor",
              false,
              false,
              {}};
  const auto dim = static_cast<Index>(truth.names.size());
  if (dim == 0) return panel;
  const auto assigned = mean_correlation(truth.factors, latents, dim);
  if (!assigned) return panel;
  const Role roles[] = {Role::ours, Role::second, Role::third, Role::fourth, Role::fifth};
  const std::size_t samples = truth.factors.size() / dim, every = std::max<std::size_t>(1, samples / 300);
  for (Index k = 0; k < dim; ++k) {
    Series series{truth.names[k], Kind::points, roles[k % 5], {}, {}};
    for (std::size_t i = 0; i < samples; i += every) {
      series.x.push_back(truth.factors[i * dim + k]);
      series.y.push_back(latents[i * dim + assigned->estimate_of_factor[k]]);
    }
    panel.series.push_back(series);
  }
  return panel;
}

}  // namespace

Figure sprites_figure(const std::vector<RunRecord>& records, std::uint64_t seed, const SpriteTruth& truth,
                      const std::vector<double>& latents) {
  Series mcc{"paper, mean of 10", Kind::line_points, Role::paper, {}, {}, {}, {}};
  Series c_ima = mcc;
  for (const SpritesRow& row : figure5_reference()) {
    mcc.x.push_back(row.epoch);
    mcc.y.push_back(row.mcc);
    mcc.low.push_back(row.mcc - row.mcc_deviation);
    mcc.high.push_back(row.mcc + row.mcc_deviation);
    c_ima.x.push_back(row.epoch);
    c_ima.y.push_back(row.c_ima_mean_jacobian);
  }
  Figure figure{"A convolutional VAE on sprites",
                {training_panel(records, "mcc", "Recovery of the factors", "MCC, whole set", mcc),
                 training_panel(records, "c_ima_mean_jacobian", "Orthogonality of the decoder's columns",
                                "{/:Italic c}_{IMA} of the mean Jacobian", c_ima),
                 scatter(seed, truth, latents)}};
  figure.panels[1].log_y = true;
  return figure;
}

}  // namespace elbow
