#include "experiments/judge.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "experiments/experiment.h"
#include "experiments/statistics.h"
#include "experiments/text.h"

namespace elbow {

void Judge::say(Statement statement, std::optional<double> measured, std::size_t n, const Target& target,
                std::string why_missing) {
  const int count = static_cast<int>(n);
  claims_.push_back(departure_.empty()
                        ? judge(std::move(statement), measured, count, target, std::move(why_missing))
                        : leave_open(std::move(statement), measured, count, target, departure_));
}

void Judge::say_quantile(Statement statement, const std::string& column, double gamma2, double p,
                         const Target& target) {
  const std::vector<double> found = values(gamma2, column);
  const auto undefined =
      std::count_if(found.begin(), found.end(), [](double value) { return !std::isfinite(value); });
  say(std::move(statement), quantile(found, p), found.size(), target,
      undefined > 0 ? fmt::format("{} of {} runs have no {}", undefined, found.size(), column) : "");
}

void Judge::say_slope(Statement statement, const std::string& column, double first, double last,
                      const Target& target) {
  std::vector<double> x;
  std::vector<std::vector<double>> groups;
  std::size_t n = 0;
  for (double gamma2 : precisions(records_)) {
    if (gamma2 < first || gamma2 > last) continue;
    x.push_back(gamma2);
    groups.push_back(values(gamma2, column));
    n += groups.back().size();
  }
  const auto found = log_log_slope(x, groups);
  say(std::move(statement), found ? std::optional(found->value) : std::nullopt, n, target);
}

void Judge::report(Statement statement, std::optional<double> measured, std::size_t n) {
  claims_.push_back(elbow::report(std::move(statement), measured, static_cast<int>(n)));
}

std::string at(double gamma2) { return "γ² = " + shortest(gamma2); }

std::string id(const char* what, double gamma2) { return fmt::format("{}@{}", what, shortest(gamma2)); }

std::string paper_median(std::span<const ReferenceRow> table, const char* quantity, double gamma2) {
  for (const ReferenceRow& row : rows_of(table, quantity)) {
    if (row.gamma_square == gamma2) return format_number(row.median);
  }
  return "";
}

std::string unless_default_recipe(const Options& options, const std::string& departure) {
  const Recipe own = default_recipe(options.protocol);
  if (!departure.empty() || options.recipe == own) return departure;
  return fmt::format("the targets are for --recipe {}", name(own));
}

}  // namespace elbow
