#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "experiments/elbo_gap.h"
#include "experiments/figure_series.h"

namespace elbow {
namespace {

using Transformation = double (*)(double difference, double c_ima);

double plain(double difference, double) { return difference; }
double with_c_ima(double difference, double c_ima) { return difference + c_ima; }
double absolute(double difference, double) { return std::abs(difference); }

bool is_control(const OptimalCurve& curve) { return curve.decoder == control_name; }

/// Decoders 1 to 5 have a colour each, the control that of the theory.
Role role_of(const OptimalCurve& curve) {
  if (is_control(curve)) return Role::theory;
  return static_cast<Role>(static_cast<int>(Role::ours) + std::stoi(curve.decoder) - 1);
}

std::string label_of(const OptimalCurve& curve) {
  return is_control(curve) ? "control: C_{IMA} = 0"
                           : fmt::format("decoder {}: C_{{IMA}} = {:.2f}", curve.decoder, curve.c_ima);
}

/// The gamma^2 that a panel shows.
struct Range {
  double first;
  double last;
  bool has(double gamma2) const { return first <= gamma2 && gamma2 <= last; }
};

Series optimal(const OptimalCurve& curve, const Range& range, Transformation transformation) {
  Series series{label_of(curve), Kind::line, role_of(curve), {}, {}};
  for (double gamma2 : curve.gamma2) {
    const auto difference = curve.mean_at(gamma2);
    if (!difference || !range.has(gamma2)) continue;
    series.x.push_back(gamma2);
    series.y.push_back(transformation(*difference, curve.c_ima));
  }
  return series;
}

/// Medians and quartiles over the encoders of one decoder.
Series encoders(const OptimalCurve& curve, const std::vector<RunRecord>& records, const Range& range,
                Transformation transformation) {
  std::vector<double> x;
  std::vector<std::vector<double>> groups;
  for (double gamma2 : curve.gamma2) {
    std::vector<double> values = encoder_values(records, curve.decoder, gamma2, "ima_minus_elbo");
    if (values.empty() || !range.has(gamma2)) continue;
    for (double& value : values) value = transformation(value, curve.c_ima);
    x.push_back(gamma2);
    groups.push_back(std::move(values));
  }
  return quartile_series("", role_of(curve), x, groups);
}

Series paper(double ElboGapRow::*column, const Range& range, Transformation transformation) {
  Series series{"paper", Kind::points, Role::paper, {}, {}};
  for (const ElboGapRow& row : figure4_reference()) {
    if (!range.has(row.gamma_square)) continue;
    series.x.push_back(row.gamma_square);
    series.y.push_back(transformation(row.*column, 0));
  }
  return series;
}

Series level(double y, const Range& range) {
  return {"theory", Kind::dashed_reference, Role::theory, {range.first, range.last}, {y, y}};
}

/// Slope -1 through the last point of the first curve.
Series inverse(const OptimalCurve& curve) {
  Series series{"theory", Kind::dashed_reference, Role::theory, {}, {}};
  const double last = curve.gamma2.back();
  for (double gamma2 : curve.gamma2) {
    series.x.push_back(gamma2);
    series.y.push_back(std::abs(curve.mean_at(last).value_or(0)) * last / gamma2);
  }
  return series;
}

void add(Panel& panel, const std::vector<OptimalCurve>& curves, const std::vector<RunRecord>& records,
         const Range& range, Transformation transformation) {
  for (const OptimalCurve& curve : curves) {
    panel.series.push_back(optimal(curve, range, transformation));
    if (!is_control(curve)) panel.series.push_back(encoders(curve, records, range, transformation));
  }
}

}  // namespace

Figure elbo_gap_figure(const std::vector<OptimalCurve>& curves, const std::vector<RunRecord>& records) {
  const Range all{curves.front().gamma2.front(), curves.front().gamma2.back()};
  const Range trained{all.first, asymptotic_gamma2};
  // What lies below 100 would flatten all that is near 0; panel c has it.
  const Range near{std::max(1e2, all.first), asymptotic_gamma2};
  Panel ima{"To the IMA-regularised likelihood", "γ^2", "L_{IMA} − ELBO, nats", true, false, {}};
  ima.series = {level(0, near), paper(&ElboGapRow::ima_minus_elbo, near, plain)};
  add(ima, curves, records, near, plain);

  Panel likelihood{"To the likelihood", "γ^2", "log {/:Italic p} − ELBO, nats", true, false, {}};
  for (const OptimalCurve& curve : curves) likelihood.series.push_back(level(curve.c_ima, trained));
  likelihood.series.push_back(paper(&ElboGapRow::loglik_minus_elbo, {0, asymptotic_gamma2}, plain));
  add(likelihood, curves, records, trained, with_c_ima);

  Panel rate{"The rate of Theorem 1", "γ^2", "|L_{IMA} − ELBO|, nats", true, true, {}};
  rate.series = {inverse(curves.front()), paper(&ElboGapRow::ima_minus_elbo, {0, all.last}, absolute)};
  add(rate, curves, records, all, absolute);
  return {"Optimal ELBO of a fixed decoder. Lines: ELBO*; filled markers: with an encoder",
          {std::move(ima), std::move(likelihood), std::move(rate)}};
}

}  // namespace elbow
