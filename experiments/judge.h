#pragma once
// The claims of a sweep: each a number made of one column of its runs, held against a target.
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "experiments/claims.h"
#include "experiments/options.h"
#include "experiments/reference.h"
#include "experiments/run_record.h"

namespace elbow {

/// Judges one number after the other; leaves all of them open where there is a `departure`.
class Judge {
 public:
  Judge(const std::vector<RunRecord>& records, std::string departure)
      : records_(records), departure_(std::move(departure)) {}

  void say(Statement statement, std::optional<double> measured, std::size_t n, const Target& target,
           std::string why_missing = {});
  /// Quantile p of a column over the runs at one gamma^2. A run that has no value leaves none.
  void say_quantile(Statement statement, const std::string& column, double gamma2, double p,
                    const Target& target);
  /// Slope of a column's medians over the precisions from `first` to `last`.
  void say_slope(Statement statement, const std::string& column, double first, double last,
                 const Target& target);
  /// A number that no target is set for.
  void report(Statement statement, std::optional<double> measured, std::size_t n);

  std::vector<double> values(double gamma2, const std::string& column) const {
    return pooled(runs_at(records_, gamma2), column);
  }
  std::vector<Claim> take() { return std::move(claims_); }

 private:
  const std::vector<RunRecord>& records_;
  std::string departure_;
  std::vector<Claim> claims_;
};

/// "γ² = 1e3"
std::string at(double gamma2);
/// "gap@1e3"
std::string id(const char* what, double gamma2);
/// The paper's median as a claim shows it, "" where the table has none.
std::string paper_median(std::span<const ReferenceRow> table, const char* quantity, double gamma2);

/// `departure`, or, where targets are those of the protocol's own recipe and another one was run, that.
std::string unless_default_recipe(const Options& options, const std::string& departure);

}  // namespace elbow
