#include "experiments/figure_axes.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "experiments/figure_points.h"

namespace elbow {
namespace {

constexpr double exponent_size = 0.8;  // of a superscript, in characters
constexpr double x_axis_room = 40;     // in characters
constexpr double infinity = std::numeric_limits<double>::infinity();

class AxisBuilder {
 public:
  explicit AxisBuilder(bool logarithmic) : logarithmic_(logarithmic) {}

  void include(double value) {
    if (!std::isfinite(value) || (logarithmic_ && value <= 0)) return;
    const double place = logarithmic_ ? std::log10(value) : value;
    low_ = std::min(low_, place);
    high_ = std::max(high_, place);
  }
  bool empty() const { return low_ > high_; }

  Axis axis() const {
    const double low = empty() ? 0 : low_, high = empty() ? 1 : high_;
    const double least = logarithmic_ ? 0.05 : 1e-9 * std::max(std::abs(low), std::abs(high));
    double margin = 0.06 * (high - low);
    if (high - low <= least) margin = logarithmic_ ? 0.3 : (low == 0 ? 0.5 : 0.1 * std::abs(low));
    if (!logarithmic_) return {low - margin, high + margin, false};
    return {std::pow(10, low - margin), std::pow(10, high + margin), true};
  }

 private:
  bool logarithmic_;
  double low_ = infinity;
  double high_ = -infinity;
};

struct Label {
  std::string text;
  double width;  // in characters, without the markup
};

std::string without_trailing_zeros(std::string number) {
  if (number.find('.') == std::string::npos) return number;
  number.erase(number.find_last_not_of('0') + 1);
  if (number.back() == '.') number.pop_back();
  return number;
}

/// A multiple of `step` as "0.25", or as "2.5×10^{-5}" where the axis reaches below 1e-3 or above 1e5.
Label label_of(double value, double step, double largest) {
  const int scale = static_cast<int>(std::floor(std::log10(largest)));
  if (value == 0) return {"0", 1};
  const bool plain = scale >= -3 && scale <= 4;
  const int exponent = plain ? 0 : scale;
  const int decimals = std::max(0, exponent - static_cast<int>(std::floor(std::log10(step) + 1e-9)));
  const std::string number =
      without_trailing_zeros(fmt::format("{:.{}f}", value / std::pow(10, exponent), decimals));
  const auto width = static_cast<double>(number.size());
  if (plain) return {number, width};
  return {fmt::format("{}×10^{{{}}}", number, exponent),
          width + 3 + exponent_size * static_cast<double>(std::to_string(exponent).size())};
}

/// The least of 1, 2 and 5 times a power of ten that divides the length into at most `parts` parts.
double step_for(double length, double parts) {
  const double power = std::pow(10, std::floor(std::log10(length / parts)));
  const double multiple = length / parts / power;  // 1 to 10
  return multiple <= 1 ? power : multiple <= 2 ? 2 * power : multiple <= 5 ? 5 * power : 10 * power;
}

class TickList {
 public:
  void add(double value, const Label& label) {
    text_ += fmt::format("{}'{}' {:.12g}", text_.empty() ? "" : ", ", label.text, value);
    widest_ = std::max(widest_, label.width);
    ++count_;
  }
  std::string text() const { return "(" + text_ + ")"; }
  double widest() const { return widest_; }
  int count() const { return count_; }

 private:
  std::string text_;
  double widest_ = 0;
  int count_ = 0;
};

/// As many as are easily read, and fewer where labels side by side would take more than the room, in
/// characters.
TickList even_ticks(const Axis& axis, double room) {
  const double largest = std::max(std::abs(axis.low), std::abs(axis.high));
  for (double parts = 8;; parts -= 1) {
    TickList ticks;
    const double step = step_for(axis.high - axis.low, parts);
    for (double k = std::ceil(axis.low / step) + 0.0; k * step <= axis.high; ++k) {
      ticks.add(k * step, label_of(k * step, step, largest));
    }
    if (parts <= 2 || ticks.count() * (ticks.widest() + 1.5) <= room) return ticks;
  }
}

/// At 1, 2 and 5 times powers of ten.
TickList ticks_within_decades(const Axis& axis) {
  TickList ticks;
  const auto decade = [](double value) { return static_cast<int>(std::floor(std::log10(value))); };
  for (int exponent = decade(axis.low); exponent <= decade(axis.high); ++exponent) {
    for (const int digit : {1, 2, 5}) {
      const double power = std::pow(10, exponent), value = digit * power;
      if (value >= axis.low && value <= axis.high) ticks.add(value, label_of(value, power, value));
    }
  }
  return ticks;
}

}  // namespace

Axes axes_of(const Panel& panel) {
  AxisBuilder x(panel.log_x), y(panel.log_y), reference_x(panel.log_x), reference_y(panel.log_y);
  int left_out = 0;
  for (const Series& series : panel.series) {
    const bool reference = series.kind == Kind::dashed_reference;
    const DrawnSeries shown = drawn(panel, series);
    left_out += shown.left_out;
    for (const DrawnPoint& point : shown.points) {
      (reference ? reference_x : x).include(point.x);
      for (const double value : {point.y, point.low, point.high})
        (reference ? reference_y : y).include(value);
    }
  }
  const bool only_references = x.empty();
  return {only_references ? reference_x.axis() : x.axis(), only_references ? reference_y.axis() : y.axis(),
          left_out, only_references && reference_x.empty()};
}

Ticks ticks_of(char name, const Axis& axis) {
  const std::string range = fmt::format("set {}range [{:.12g}:{:.12g}]\n", name, axis.low, axis.high);
  const double decades = axis.logarithmic ? std::log10(axis.high) - std::log10(axis.low) : 0;
  const std::string scale = axis.logarithmic ? fmt::format("set logscale {}\n", name) : "";
  if (decades < 2) {
    const TickList ticks =
        decades < 0.9 ? even_ticks(axis, name == 'x' ? x_axis_room : infinity) : ticks_within_decades(axis);
    return {fmt::format("{0}{1}unset m{2}tics; set {2}tics nomirror {3}\n", range, scale, name, ticks.text()),
            ticks.widest()};
  }
  const int step = static_cast<int>(std::ceil(decades / 7));
  const auto exponent_width = [](double value) {
    return static_cast<double>(std::to_string(static_cast<int>(std::floor(std::log10(value)))).size());
  };
  // Without a start gnuplot 5.4 misplaces the ticks of an axis that begins above 10.
  const int start = step * static_cast<int>(std::floor(std::log10(axis.low) / step));
  return {fmt::format("{0}{1}set {2}tics nomirror 1e{5},1e{3}; {4}; set format {2} '10^{{%T}}'\n", range,
                      scale, name, step,
                      step == 1 ? fmt::format("set m{}tics 10", name) : fmt::format("unset m{}tics", name),
                      start),
          2 + exponent_size * std::max(exponent_width(axis.low), exponent_width(axis.high))};
}

}  // namespace elbow
