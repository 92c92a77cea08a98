#pragma once
// Ranges and ticks of a panel's axes.
#include <string>

#include "experiments/figure.h"

namespace elbow {

struct Axis {
  double low;
  double high;
  bool logarithmic;
};

struct Axes {
  Axis x;
  Axis y;
  int left_out;  ///< points of the panel that are not shown
  bool empty;    ///< no point at all is
};

/// The smallest ranges that hold the panel's points and a margin. Dashed references count where there is
/// nothing else.
Axes axes_of(const Panel& panel);

struct Ticks {
  std::string commands;  ///< gnuplot's, for scale, range and ticks
  double widest;         ///< the widest label, in characters
};

/// `name` is 'x' or 'y'.
Ticks ticks_of(char name, const Axis& axis);

}  // namespace elbow
