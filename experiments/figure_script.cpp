// The gnuplot script of a figure. Lengths are in units of the SVG's pixels; the other terminals scale them.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "experiments/figure.h"
#include "experiments/figure_axes.h"
#include "experiments/figure_points.h"

namespace elbow {
namespace {

constexpr double character = 7.2;
constexpr double tick_length = 9;  // and the gap to its label
constexpr double y_label_height = 24;
constexpr double right_margin = 16;
constexpr double bottom_margin = 54;
constexpr double panel_title_height = 28;
constexpr double title_height = 26;
constexpr double legend_row_height = 14;
constexpr double legend_gap = 8;
constexpr double top_margin = 6;

struct Style {
  std::string_view colour;
  int marker;  // gnuplot's pt
  double size;
  std::string_view bar_colour;
};

Style style_of(Role role) {
  switch (role) {
    case Role::ours:
      return {"0072b2", 7, 0.75, "0072b2"};
    case Role::second:
      return {"d55e00", 5, 0.7, "d55e00"};
    case Role::third:
      return {"009e73", 9, 0.9, "009e73"};
    case Role::fourth:
      return {"cc79a7", 13, 0.95, "cc79a7"};
    case Role::fifth:
      return {"e69f00", 11, 0.9, "e69f00"};
    case Role::paper:
      return {"202020", 6, 1.05, "909090"};
    case Role::theory:
      return {"707070", 2, 0.7, "707070"};
  }
  return {};
}

std::string literal(std::string_view text) {
  std::string result = "'";
  for (const char byte : text) {
    if (byte == '\'') result += byte;
    result += byte;
  }
  return result + "'";
}

/// How a series is drawn, after "with"; its bars come apart.
std::string look(const Series& series) {
  const Style style = style_of(series.role);
  switch (series.kind) {
    case Kind::line:
      return fmt::format("lines lw 1.8 lc rgb '#{}'", style.colour);
    case Kind::dashed_reference:
      return fmt::format("lines lw 1.3 dt (10,6) lc rgb '#{}'", style.colour);
    case Kind::band:
      return fmt::format("filledcurves fs transparent solid 0.22 noborder lc rgb '#{}'", style.colour);
    case Kind::box:
      return fmt::format("boxxyerror lc rgb '#{0}' fs transparent solid 0.18 border rgb '#{0}'",
                         style.colour);
    case Kind::points: {
      const bool cloud = series.low.empty() && series.x.size() > 60;
      return fmt::format("points pt {} ps {:.3g} lw 1.2 lc rgb '#{}{}'", style.marker,
                         cloud ? 0.6 * style.size : style.size, cloud ? "60" : "", style.colour);
    }
    case Kind::line_points:
      return fmt::format("linespoints pt {} ps {} lw 1.4 lc rgb '#{}'", style.marker, style.size,
                         style.colour);
  }
  return {};
}

/// What is behind comes first. The paper's open markers lie on top, over a white disc that keeps its bars out
/// of them.
enum class Depth { area, reference, line, paper_bar, paper_disc, bar, marker, paper_marker };

Depth depth_of(const Series& series) {
  switch (series.kind) {
    case Kind::band:
      return Depth::area;
    case Kind::dashed_reference:
      return Depth::reference;
    case Kind::line:
      return Depth::line;
    default:
      return series.role == Role::paper ? Depth::paper_marker : Depth::marker;
  }
}

struct Element {
  Depth depth;
  std::string text;
};

/// What takes gnuplot from the middle of a box to its sides: the same share of any axis, " / 1.2" and " * 1.2".
struct BoxSides {
  std::string left;
  std::string right;
};

BoxSides box_sides(const Axis& x) {
  constexpr double share = 0.035;
  if (x.logarithmic) {
    const double factor = std::pow(x.high / x.low, share);
    return {fmt::format(" / {:.6g}", factor), fmt::format(" * {:.6g}", factor)};
  }
  const double half = share * (x.high - x.low);
  return {fmt::format(" - {:.6g}", half), fmt::format(" + {:.6g}", half)};
}

void add_box(std::vector<Element>& elements, const Series& series, const std::string& middle,
             const std::string& low, const Axis& x) {
  const auto [left, right] = box_sides(x);
  elements.push_back({Depth::area, fmt::format("csv using ({0}):4:({0}{1}):({0}{2}):{3}:6 with {4}", middle,
                                               left, right, low, look(series))});
  elements.push_back(
      {Depth::bar,
       fmt::format("csv using ({0}{1}):4:({0}{2} - {0}{1}):(0) with vectors nohead lw 2.4 lc rgb '#{3}'",
                   middle, left, right, style_of(series.role).colour)});
}

void add_elements(std::vector<Element>& elements, const Panel& panel, const Series& series,
                  const std::string& column, const Axes& axes) {
  const Axis& y = axes.y;
  const std::string x = fmt::format("csv using ({})", column);
  const std::vector<DrawnPoint> points = drawn(panel, series).points;
  if (points.empty()) return;
  const auto any = [&](auto condition) { return std::any_of(points.begin(), points.end(), condition); };
  const bool below_axis = panel.log_y && any([](const DrawnPoint& point) { return point.low <= 0; });
  const std::string low = below_axis ? fmt::format("($5 > 0 ? $5 : {:.6g})", y.low) : "5";
  if (series.kind == Kind::band) {
    elements.push_back({Depth::area, fmt::format("{}:{}:6 with {}", x, low, look(series))});
    return;
  }
  if (series.kind == Kind::box) {
    add_box(elements, series, column, low, axes.x);
    return;
  }
  const bool markers = series.kind == Kind::points || series.kind == Kind::line_points;
  if (markers && any([](const DrawnPoint& point) { return !std::isnan(point.low); })) {
    const bool open = series.role == Role::paper;
    const Style style = style_of(series.role);
    elements.push_back(
        {open ? Depth::paper_bar : Depth::bar,
         fmt::format("{}:4:{}:6 with yerrorbars pt 0 lw 1.2 lc rgb '#{}'", x, low, style.bar_colour)});
    if (open) {
      elements.push_back(
          {Depth::paper_disc, fmt::format("{}:4 with points pt 7 ps {} lc rgb '#ffffff'", x, style.size)});
    }
  }
  elements.push_back({depth_of(series), fmt::format("{}:4 with {}", x, look(series))});
}

std::string plot_commands(const Panel& panel, std::size_t panel_number, const Axes& axes) {
  std::vector<Element> elements;
  for (std::size_t s = 0; s < panel.series.size(); ++s) {
    add_elements(elements, panel, panel.series[s], fmt::format("x({}, {})", panel_number, s + 1), axes);
  }
  std::stable_sort(elements.begin(), elements.end(),
                   [](const Element& a, const Element& b) { return a.depth < b.depth; });
  std::string text = "plot NaN";
  for (const Element& element : elements) text += ", \\\n  " + element.text;
  return text + "\n";
}

/// The first series of each label, in the order of appearance.
std::vector<const Series*> legend_of(const Figure& figure) {
  std::vector<const Series*> entries;
  for (const Panel& panel : figure.panels) {
    for (const Series& series : panel.series) {
      const bool known = std::any_of(entries.begin(), entries.end(),
                                     [&](const Series* entry) { return entry->label == series.label; });
      if (!series.label.empty() && !known) entries.push_back(&series);
    }
  }
  return entries;
}

/// Characters of a UTF-8 text, its markup included.
double characters(std::string_view text) {
  return static_cast<double>(
      std::count_if(text.begin(), text.end(), [](char byte) { return (byte & 0xC0) != 0x80; }));
}

struct Layout {
  double panel_width;
  double frame_height;
  double left_margin;
  double width;
  double height;
  int legend_columns;
};

Layout layout_of(const Figure& figure, const std::vector<const Series*>& legend) {
  const std::size_t panels = figure.panels.size();
  Layout layout{};
  layout.panel_width = panels == 1 ? 480 : panels == 2 ? 420 : 345;
  layout.frame_height = panels == 1 ? 300 : panels == 2 ? 280 : 262;
  layout.width = layout.panel_width * static_cast<double>(panels);
  for (const Panel& panel : figure.panels) {
    const double labels = character * ticks_of('y', axes_of(panel).y).widest;
    layout.left_margin = std::max(layout.left_margin, tick_length + labels + y_label_height);
  }
  layout.height = top_margin + panel_title_height + layout.frame_height + bottom_margin;
  if (!figure.title.empty()) layout.height += title_height;
  if (!legend.empty()) {
    double longest = 0;
    for (const Series* entry : legend) longest = std::max(longest, characters(entry->label));
    const int entries = static_cast<int>(legend.size());
    const int fitting = static_cast<int>((layout.width - 20) / (60 + character * longest));
    layout.legend_columns = std::clamp(fitting, 1, entries);
    const int rows = (entries + layout.legend_columns - 1) / layout.legend_columns;
    layout.height += legend_row_height * rows + legend_gap;
  }
  return layout;
}

/// The legend and the title, as an empty plot of the figure's whole width: gnuplot fits a legend to its plot.
std::string heading_commands(const Figure& figure, const Layout& layout,
                             const std::vector<const Series*>& legend) {
  std::string text;
  double top = top_margin;
  if (!figure.title.empty()) {
    text +=
        fmt::format("set label 1 {} at screen 0.5, screen {:.4f} center\n",
                    literal("{/:Bold " + figure.title + "}"), 1 - (top + 0.5 * title_height) / layout.height);
    top += title_height;
  }
  if (text.empty() && legend.empty()) return text;
  text =
      "\n# Title and legend\n"
      "set lmargin at screen 0; set rmargin at screen 1\n"
      "unset logscale; unset label; unset xlabel; unset border; unset tics\n"
      "set xrange [0:1]; set yrange [0:1]\n" +
      text;
  text += fmt::format(
      "set key at screen 0.5, screen {:.4f} center top horizontal maxcols {} Left reverse samplen 2\n",
      1 - top / layout.height, layout.legend_columns);
  text += "plot NaN";
  for (const Series* entry : legend) {
    text += fmt::format(", \\\n  keyentry with {} title {}", look(*entry), literal(entry->label));
  }
  return text + "\nunset key\n";
}

std::string panel_commands(const Figure& figure, std::size_t p, const Layout& layout) {
  const Panel& panel = figure.panels[p];
  const Axes axes = axes_of(panel);
  const Ticks x_ticks = ticks_of('x', axes.x), y_ticks = ticks_of('y', axes.y);
  const double left = layout.panel_width * static_cast<double>(p) + layout.left_margin;
  const double y_label = left - tick_length - character * y_ticks.widest - 0.5 * y_label_height;
  const double right = layout.panel_width * static_cast<double>(p + 1) - right_margin;
  const double top = (bottom_margin + layout.frame_height) / layout.height;
  std::string text = fmt::format("\n# Panel {}\n", p + 1);
  text += fmt::format("set lmargin at screen {:.4f}; set rmargin at screen {:.4f}\n", left / layout.width,
                      right / layout.width);
  text += fmt::format("set bmargin at screen {:.4f}; set tmargin at screen {:.4f}\n",
                      bottom_margin / layout.height, top);
  text += "unset logscale; unset label\n";
  const std::string letter =
      figure.panels.size() > 1 ? fmt::format("{{/:Bold {}}}   ", static_cast<char>('a' + p)) : std::string();
  text +=
      fmt::format("set label 1 {} at graph 0, graph 1 left offset 0, 0.9\n", literal(letter + panel.title));
  // Not "set ylabel": it would stand as far off as gnuplot takes the tick labels' markup for wide.
  text += fmt::format("set label 2 {} at screen {:.4f}, graph 0.5 center rotate\n", literal(panel.y_label),
                      y_label / layout.width);
  const std::string note = axes.empty ? "no points"
                           : axes.left_out > 0
                               ? fmt::format("{} not shown (≤ 0 or not finite)", axes.left_out)
                               : "";
  if (!note.empty()) {
    text += fmt::format(
        "set label 3 '{{/*0.8 {}}}' at graph 1, graph 1 right offset 0, 0.9 tc rgb '#707070'\n", note);
  }
  text += fmt::format("set xlabel {}\n", literal(panel.x_label));
  return text + x_ticks.commands + y_ticks.commands + plot_commands(panel, p + 1, axes);
}

}  // namespace

std::string figure_script(const Figure& figure, std::string_view name) {
  expect_drawable(figure);
  const std::vector<const Series*> legend = legend_of(figure);
  const Layout layout = layout_of(figure, legend);
  const double scale = std::min(2.5, 1500 / layout.width);
  std::string text = fmt::format(
      "# Draws {0}.csv as {0}.svg, {0}.pdf and {0}.png: gnuplot {0}.gp\n"
      "csv = '{0}.csv'\n"
      "set encoding utf8\n"
      "set datafile separator comma\n"
      "set datafile columnheaders\n"
      "x(panel, series) = column(1) == panel && column(2) == series ? column(3) : NaN\n"
      "set grid xtics ytics lt 1 lw 0.6 lc rgb '#e4e4e4'\n"
      "set errorbars 0.5\n"
      "set clip two\n"
      "set pointintervalbox 0.001\n"  // no gap around markers
      "set key noautotitle\n"
      "\n"
      "do for [output in 'svg pdf png'] {{\n",
      name);
  text += fmt::format(
      "if (output eq 'svg') {{ set terminal svg size {:.0f},{:.0f} font 'sans-serif,12' background 'white' "
      "}}\n",
      layout.width, layout.height);
  text += fmt::format(
      "if (output eq 'pdf') {{ set terminal pdfcairo size {:.3f}in,{:.3f}in font 'DejaVu Sans,9' }}\n",
      layout.width / 96, layout.height / 96);
  text += fmt::format(
      "if (output eq 'png') {{ set terminal pngcairo size {:.0f},{:.0f} font 'DejaVu Sans,9' fontscale "
      "{:.4g} "
      "linewidth {:.4g} pointscale {:.4g} }}\n",
      layout.width * scale, layout.height * scale, scale, scale, scale);
  text += fmt::format("set output '{}.'.output\nset multiplot\n", name);
  text += heading_commands(figure, layout, legend);
  text +=
      "\nset border 3 lw 1 lc rgb '#404040'\n"
      "set tics out scale 0.7, 0.4 textcolor rgb '#202020'\n";
  for (std::size_t p = 0; p < figure.panels.size(); ++p) text += panel_commands(figure, p, layout);
  return text + "\nunset multiplot\nunset output\n}\n";
}

}  // namespace elbow
