#pragma once
// Series that figures share: runs as medians with quartiles, the paper's numbers.
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "experiments/figure.h"
#include "experiments/reference.h"

namespace elbow {

/// One filled marker at the median of each group of runs, with a bar from the lower to the upper quartile. A
/// group without a median (no runs, a value that is not finite) is counted as not shown. Throws UsageError
/// where x and groups differ in length.
Series quartile_series(std::string label, Role role, std::span<const double> x,
                       std::span<const std::vector<double>> groups);

/// The paper's medians of one quantity against gamma^2, as open markers labelled "paper".
Series paper_series(std::span<const ReferenceRow> table, std::string_view quantity);

/// The paper's medians of one quantity against those of another at the same gamma^2.
Series paper_series(std::span<const ReferenceRow> table, std::string_view quantity, std::string_view against);

}  // namespace elbow
