#include "experiments/lanczos.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace elbow {
namespace {

constexpr int lobes = 3;  // of the filter, to each side
// Of a weight. A sum of weights may be beyond 1 or below 0, for which two of 32 bits are left beside a byte.
constexpr int fraction_bits = 22;
constexpr int half = 1 << (fraction_bits - 1);

double sinc(double t) {
  const double angle = t * std::numbers::pi;
  return angle == 0 ? 1 : std::sin(angle) / angle;
}

double filter(double t) { return t >= -lobes && t < lobes ? sinc(t) * sinc(t / lobes) : 0; }

std::uint8_t to_byte(int sum) {
  return static_cast<std::uint8_t>(std::clamp((sum + half) >> fraction_bits, 0, 255));
}

}  // namespace

Lanczos::Lanczos(int size, int factor) : canvas_(size * factor), taps_(2 * lobes * factor + 1) {
  const double reach = lobes * factor;
  for (int pixel = 0; pixel < size; ++pixel) {
    const double centre = (pixel + 0.5) * factor;
    const int first = std::max(0, static_cast<int>(centre - reach + 0.5));
    const int end = std::min(canvas_, static_cast<int>(centre + reach + 0.5));
    windows_.push_back({first, end - first});

    std::vector<double> weights;
    double total = 0;
    for (int at = first; at < end; ++at) {
      weights.push_back(filter((at - centre + 0.5) * (1.0 / factor)));
      total += weights.back();
    }
    weights.resize(static_cast<std::size_t>(taps_));
    sums_.push_back(0);
    for (const double weight : weights) {
      weights_.push_back(static_cast<int>(std::round(weight / total * (1 << fraction_bits))));
      sums_.push_back(sums_.back() + weights_.back());
    }
  }
}

/// The pixels whose windows hold any of first .. last.
Lanczos::Range Lanczos::reached_by(int first, int last) const {
  Range range{0, size()};
  const auto window = [&](int pixel) { return windows_[static_cast<std::size_t>(pixel)]; };
  while (window(range.begin).first + window(range.begin).count <= first) ++range.begin;
  while (window(range.end - 1).first > last) --range.end;
  return range;
}

int Lanczos::weight_of(int pixel, const PixelRun& run) const {
  const Window window = windows_[static_cast<std::size_t>(pixel)];
  const int* const sums = &sums_[static_cast<std::size_t>(pixel * (taps_ + 1))];
  return sums[std::clamp(run.last + 1 - window.first, 0, window.count)] -
         sums[std::clamp(run.first - window.first, 0, window.count)];
}

/// The canvas's rows from the first run's to the last's, with columns as in the small picture.
std::vector<std::uint8_t> Lanczos::reduce_rows(std::span<const PixelRun> runs, std::uint8_t value,
                                               Range columns) const {
  const int top = runs.front().row;
  const int width = columns.end - columns.begin;
  std::vector<std::uint8_t> rows(static_cast<std::size_t>((runs.back().row - top + 1) * width));
  for (std::size_t begin = 0, end = 0; begin < runs.size(); begin = end) {
    while (end < runs.size() && runs[end].row == runs[begin].row) ++end;
    std::uint8_t* const row = rows.data() + (runs[begin].row - top) * width;
    for (int column = 0; column < width; ++column) {
      int weight = 0;
      for (std::size_t i = begin; i < end; ++i) weight += weight_of(columns.begin + column, runs[i]);
      row[column] = to_byte(value * weight);
    }
  }
  return rows;
}

Patch Lanczos::reduce(std::span<const PixelRun> runs, std::uint8_t value) const {
  if (runs.empty()) return {};
  const int top = runs.front().row, bottom = runs.back().row;
  int left = canvas_, right = 0;
  for (const PixelRun& run : runs) {
    left = std::min(left, run.first);
    right = std::max(right, run.last);
  }
  const Range columns = reached_by(left, right), rows = reached_by(top, bottom);
  const int width = columns.end - columns.begin;
  const std::vector<std::uint8_t> reduced = reduce_rows(runs, value, columns);

  Patch patch{columns.begin, rows.begin, width, rows.end - rows.begin, {}};
  std::vector<int> sums(static_cast<std::size_t>(width));
  for (int pixel = rows.begin; pixel < rows.end; ++pixel) {
    const Window window = windows_[static_cast<std::size_t>(pixel)];
    std::fill(sums.begin(), sums.end(), 0);
    for (int row = std::max(top, window.first); row <= std::min(bottom, window.first + window.count - 1);
         ++row) {
      const int weight = weights_[static_cast<std::size_t>(pixel * taps_ + row - window.first)];
      const std::uint8_t* const bytes = reduced.data() + (row - top) * width;
      for (int column = 0; column < width; ++column)
        sums[static_cast<std::size_t>(column)] += bytes[column] * weight;
    }
    for (const int sum : sums) patch.bytes.push_back(to_byte(sum));
  }
  return patch;
}

}  // namespace elbow
