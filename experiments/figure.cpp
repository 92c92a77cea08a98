#include "experiments/figure.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "engine/files.h"
#include "experiments/figure_points.h"
#include "experiments/gnuplot.h"
#include "kernels/error.h"

namespace elbow {
namespace {

constexpr double missing = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t largest_output = std::size_t{256} << 20;

bool can_show(double value, bool logarithmic) { return std::isfinite(value) && (!logarithmic || value > 0); }

std::string csv_number(double value) { return std::isnan(value) ? "" : fmt::format("{}", value); }

std::string csv_text(std::string_view text) {
  if (text.find_first_of(",\"") == std::string_view::npos) return std::string(text);
  std::string quoted = "\"";
  for (const char byte : text) {
    if (byte == '"') quoted += '"';
    quoted += byte;
  }
  return quoted + '"';
}

/// A new folder among the system's temporary files, gone with the object.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "elbow-figure-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) {
      throw DataError(
          fmt::format("[figure] cannot create {}: set TMPDIR to a folder that you may write to", name));
    }
    path_ = name;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

void expect_one_line(std::string_view text) {
  const bool control = std::any_of(text.begin(), text.end(), [](unsigned char byte) { return byte < 0x20; });
  if (control) throw UsageError(fmt::format("[figure] expected text of one line, got {}", in_quotes(text)));
}

void expect_file_name(std::string_view name) {
  const bool plain = std::all_of(name.begin(), name.end(), [](unsigned char byte) {
    return std::isalnum(byte) || byte == '_' || byte == '-';
  });
  if (name.empty() || !plain) {
    throw UsageError(
        fmt::format("[figure] expected a name of letters, digits, '_' and '-', got {}", in_quotes(name)));
  }
}

}  // namespace

void expect_drawable(const Figure& figure) {
  if (figure.panels.empty() || figure.panels.size() > 4) {
    throw UsageError(fmt::format("[figure] expected 1 to 4 panels, got {}", figure.panels.size()));
  }
  expect_one_line(figure.title);
  for (const Panel& panel : figure.panels) {
    for (const std::string* text : {&panel.title, &panel.x_label, &panel.y_label}) expect_one_line(*text);
    for (const Series& series : panel.series) {
      expect_one_line(series.label);
      const std::size_t n = series.x.size();
      const bool band = series.kind == Kind::band;
      const bool no_bars = !band && series.low.empty() && series.high.empty();
      const bool no_y = band && series.y.empty();
      if ((!no_y && series.y.size() != n) ||
          (!no_bars && (series.low.size() != n || series.high.size() != n))) {
        throw UsageError(
            fmt::format("[figure] {}: expected columns of one length, got x {}, y {}, low {}, high {}",
                        in_quotes(series.label), n, series.y.size(), series.low.size(), series.high.size()));
      }
    }
  }
}

DrawnSeries drawn(const Panel& panel, const Series& series) {
  DrawnSeries result{{}, 0};
  for (std::size_t i = 0; i < series.x.size(); ++i) {
    DrawnPoint point{series.x[i], series.kind == Kind::band ? missing : series.y[i], missing, missing};
    if (!series.low.empty() && std::isfinite(series.low[i]) && can_show(series.high[i], panel.log_y)) {
      point.low = series.low[i];
      point.high = series.high[i];
    }
    const double height = series.kind == Kind::band ? point.high : point.y;
    if (can_show(point.x, panel.log_x) && can_show(height, panel.log_y)) {
      result.points.push_back(point);
    } else {
      ++result.left_out;
    }
  }
  return result;
}

std::string figure_csv(const Figure& figure) {
  expect_drawable(figure);
  std::string text = "panel,series,x,y,low,high,panel_title,label\n";
  for (std::size_t p = 0; p < figure.panels.size(); ++p) {
    const Panel& panel = figure.panels[p];
    for (std::size_t s = 0; s < panel.series.size(); ++s) {
      for (const DrawnPoint& point : drawn(panel, panel.series[s]).points) {
        text += fmt::format("{},{},{},{},{},{},{},{}\n", p + 1, s + 1, csv_number(point.x),
                            csv_number(point.y), csv_number(point.low), csv_number(point.high),
                            csv_text(panel.title), csv_text(panel.series[s].label));
      }
    }
  }
  return text;
}

void write(const Figure& figure, const std::filesystem::path& folder, std::string_view name) {
  expect_file_name(name);
  const std::string stem(name);
  const std::string csv = figure_csv(figure), script = figure_script(figure, name);
  write_atomically(folder / (stem + ".csv"), csv);
  write_atomically(folder / (stem + ".gp"), script);

  const TemporaryFolder workshop;
  write_atomically(workshop.path() / (stem + ".csv"), csv);
  write_atomically(workshop.path() / (stem + ".gp"), script);
  run_gnuplot(workshop.path(), stem + ".gp");
  for (const char* extension : {".svg", ".pdf", ".png"}) {
    write_atomically(folder / (stem + extension),
                     read_file(workshop.path() / (stem + extension), largest_output));
  }
}

}  // namespace elbow
