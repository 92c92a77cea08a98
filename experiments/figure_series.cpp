#include "experiments/figure_series.h"

#include <fmt/format.h>

#include <limits>
#include <utility>

#include "experiments/statistics.h"
#include "kernels/error.h"

namespace elbow {

Series quartile_series(std::string label, Role role, std::span<const double> x,
                       std::span<const std::vector<double>> groups) {
  if (x.size() != groups.size()) {
    throw UsageError(fmt::format("[quartile_series] expected one group for each of {} abscissae, got {}",
                                 x.size(), groups.size()));
  }
  constexpr double undefined = std::numeric_limits<double>::quiet_NaN();
  Series series{std::move(label), Kind::points, role, {x.begin(), x.end()}, {}};
  for (const std::vector<double>& group : groups) {
    series.y.push_back(median(group).value_or(undefined));
    series.low.push_back(quantile(group, 0.25).value_or(undefined));
    series.high.push_back(quantile(group, 0.75).value_or(undefined));
  }
  return series;
}

Series paper_series(std::span<const ReferenceRow> table, std::string_view quantity) {
  Series series{"paper", Kind::points, Role::paper, {}, {}};
  for (const ReferenceRow& row : rows_of(table, quantity)) {
    series.x.push_back(row.gamma_square);
    series.y.push_back(row.median);
  }
  return series;
}

Series paper_series(std::span<const ReferenceRow> table, std::string_view quantity,
                    std::string_view against) {
  Series series{"paper", Kind::points, Role::paper, {}, {}};
  for (const ReferenceRow& row : rows_of(table, quantity)) {
    series.x.push_back(row_of(table, against, row.gamma_square).median);
    series.y.push_back(row.median);
  }
  return series;
}

}  // namespace elbow
