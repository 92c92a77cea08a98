#pragma once
// What of a series can be drawn: shared by the CSV and the script, so that the axes fit what the CSV holds.
#include <vector>

#include "experiments/figure.h"

namespace elbow {

/// NaN where there is no such number: y of a band, low and high of a series without bars.
struct DrawnPoint {
  double x;
  double y;
  double low;
  double high;
};

struct DrawnSeries {
  std::vector<DrawnPoint> points;
  int left_out;  ///< points that are not finite or that a logarithmic axis cannot show
};

/// A lower end that a logarithmic axis cannot show is kept: the bar then starts at the axis.
DrawnSeries drawn(const Panel& panel, const Series& series);

/// Throws UsageError where the figure cannot be drawn.
void expect_drawable(const Figure& figure);

}  // namespace elbow
