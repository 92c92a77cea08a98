#pragma once
// Figures: what is drawn, said in numbers and words; gnuplot draws it.
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace elbow {

/// Labels and titles are UTF-8 and gnuplot's enhanced text: "γ²", "σ_k²", "c_{IMA}", "{/:Italic f}"; a plain
/// underscore is "\\_". Series labels go to the CSV as they are.
enum class Kind {
  line,
  points,            ///< with bars from low to high where these are given
  line_points,       ///< the same, joined
  box,               ///< from low to high, with a line across at y
  band,              ///< the area between low and high; y is not drawn
  dashed_reference,  ///< a thin dashed line behind the data that does not stretch the axes
};

/// What a series stands for decides colour and marker, so it looks the same in every figure. Colours are
/// those of Okabe and Ito, told apart by colour-blind readers; markers differ in shape as well.
enum class Role { ours, second, third, fourth, fifth, paper, theory };

struct Series {
  std::string label;
  Kind kind = Kind::points;
  Role role = Role::ours;
  std::vector<double> x;
  std::vector<double> y;
  std::vector<double> low{};   ///< empty, or of the length of x
  std::vector<double> high{};  ///< empty, or of the length of x
};

struct Panel {
  std::string title{};
  std::string x_label;
  std::string y_label;
  bool log_x = false;
  bool log_y = false;
  std::vector<Series> series{};
};

/// One to four panels side by side under one legend, which names every label once.
struct Figure {
  std::string title{};
  std::vector<Panel> panels;
};

/// The CSV of a figure: one line per point that is drawn, `panel,series,x,y,low,high,panel_title,label`,
/// panels and series counted from 1, numbers in their shortest form that reads back the same, missing ones
/// empty. Points that a logarithmic axis cannot show, or that are not finite, are left out and counted in the
/// panel's corner.
std::string figure_csv(const Figure& figure);

/// The gnuplot script that draws `name`.csv as `name`.svg, .pdf and .png, all in the current folder.
std::string figure_script(const Figure& figure, std::string_view name);

/// Leaves `name`.csv, .gp, .svg, .pdf and .png in the folder, which exists; each appears whole or not at all.
/// The first two are written before gnuplot is called. Throws UsageError for a figure that cannot be drawn
/// (no or more than four panels, columns of different lengths) and DataError where gnuplot is missing or
/// fails.
void write(const Figure& figure, const std::filesystem::path& folder, std::string_view name);

}  // namespace elbow
