#include <algorithm>

#include "experiments/reference.h"
#include "experiments/self_consistency.h"
#include "experiments/statistics.h"

namespace elbow {
namespace {

struct Quartiles {
  double low, middle, high;
};

Quartiles quartiles(const std::vector<double>& values) {
  return {quantile(values, 0.25).value_or(0), median(values).value_or(0), quantile(values, 0.75).value_or(0)};
}

/// A column's median and quartiles against gamma^2.
Series ours(const std::vector<RunRecord>& records, const std::string& column) {
  Series series{"elbow", Kind::line_points, Role::ours, {}, {}};
  for (double gamma2 : precisions(records)) {
    const Quartiles q = quartiles(pooled(runs_at(records, gamma2), column));
    series.x.push_back(gamma2);
    series.y.push_back(q.middle);
    series.low.push_back(q.low);
    series.high.push_back(q.high);
  }
  return series;
}

Series paper(const std::string& quantity) {
  Series series{"paper", Kind::points, Role::paper, {}, {}};
  for (const ReferenceRow& row : rows_of(figure2_reference(), quantity)) {
    series.x.push_back(row.gamma_square);
    series.y.push_back(row.median);
    series.low.push_back(row.q25);
    series.high.push_back(row.q75);
  }
  return series;
}

/// Slope -1 through point `anchor` of `series`.
Series inverse(const Series& series, std::size_t anchor) {
  Series line{"theory", Kind::dashed_reference, Role::theory, {}, {}};
  for (double x : series.x) {
    line.x.push_back(x);
    line.y.push_back(series.y[anchor] * series.x[anchor] / x);
  }
  return line;
}

Panel left_against_right(const std::vector<RunRecord>& records) {
  Panel panel{"Variances against eq. 12", "right side of eq. 12", "σ@_k^{ 2}", true, true, {}};
  Series measured{"elbow", Kind::points, Role::ours, {}, {}};
  for (double gamma2 : precisions(records)) {
    const auto runs = runs_at(records, gamma2);
    const Quartiles q = quartiles(pooled(runs, "sigma2_k"));
    measured.x.push_back(quartiles(pooled(runs, "rhs12_k")).middle);
    measured.y.push_back(q.middle);
    measured.low.push_back(q.low);
    measured.high.push_back(q.high);
  }
  Series reference{"paper", Kind::points, Role::paper, {}, {}};
  const auto right = rows_of(figure2_reference(), "rhs_of_eq_12");
  const auto left = rows_of(figure2_reference(), "sigma_k^2");
  for (std::size_t i = 0; i < right.size(); ++i) {
    reference.x.push_back(right[i].median);
    reference.y.push_back(left[i].median);
  }
  const auto [least, most] = std::minmax_element(measured.x.begin(), measured.x.end());
  const Series diagonal{"theory", Kind::dashed_reference, Role::theory, {*least, *most}, {*least, *most}};
  panel.series = {diagonal, reference, measured};
  return panel;
}

}  // namespace

Figure self_consistency_figure(const std::vector<RunRecord>& records, const Options& options) {
  const Series variances = ours(records, "sigma2_k");
  const Series errors = ours(records, "mse_reconstruction");
  Figure figure;
  figure.title = options.protocol == Protocol::authors
                     ? "Self-consistency, the authors' protocol (linear mixing)"
                     : "Self-consistency, the protocol of the paper's text";
  figure.panels = {{"Posterior variance",
                    "γ^2",
                    "σ@_k^{ 2}",
                    true,
                    true,
                    {inverse(variances, variances.x.size() - 1), paper("sigma_k^2"), variances}},
                   left_against_right(records),
                   {"Reconstruction of the mean",
                    "γ^2",
                    "‖{/:Italic f}(μ({/:Italic x})) − {/:Italic x}‖^2 / {/:Italic d}",
                    true,
                    true,
                    {inverse(errors, 0), paper("mse(f(mu(x)),x)"), errors}}};
  return figure;
}

}  // namespace elbow
