// The CPU matrix product against the machine's limit: per shape, time, rate and share of the peak seen around
// it.
#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "bench/benchmark.h"
#include "bench/cpu_clock.h"
#include "bench/fma_peak.h"
#include "bench/median.h"
#include "kernels/matmul.h"

namespace elbow::bench {
namespace {

using kernels::Matmul;

struct Shape {
  const char* role;
  Index rows;
  Index depth;
  Index columns;
  bool left_transposed;
  bool right_transposed;
};

constexpr Shape shapes[] = {
    {"forward, x Wt", 64, 60, 60, false, true},   {"backward, dY W", 64, 60, 60, false, false},
    {"gradient, dYt X", 60, 64, 60, true, false}, {"forward", 64, 3, 60, false, true},
    {"forward", 64, 60, 3, false, true},          {"forward", 64, 60, 6, false, true},
    {"backward", 64, 3, 60, false, false},        {"backward", 64, 6, 60, false, false},
    {"backward", 64, 60, 3, false, false},        {"gradient", 60, 64, 3, true, false},
    {"gradient", 3, 64, 60, true, false},         {"gradient", 6, 64, 60, true, false},
    {"forward", 256, 256, 256, false, true},      {"backward", 256, 256, 256, false, false},
    {"gradient", 256, 256, 256, true, false},     {"forward", 1024, 1024, 1024, false, true},
    {"backward", 1024, 1024, 1024, false, false}, {"gradient", 1024, 1024, 1024, true, false},
};

double seconds_per_run(const Matmul<float>& product, int repetitions) {
  const double start = thread_seconds();
  for (int i = 0; i < repetitions; ++i) kernels::cpu::run(product);
  return (thread_seconds() - start) / repetitions;
}

void measure(const Shape& shape, int pairs, Report& report) {
  const auto [role, rows, depth, columns, left_transposed, right_transposed] = shape;
  std::vector<float> left(rows * depth, 0.5f), right(depth * columns, 0.25f), output(rows * columns);
  Matmul<float> product{};
  product.batch = 1;
  product.rows = rows;
  product.depth = depth;
  product.columns = columns;
  product.left = left_transposed ? decltype(product.left){left.data(), 0, 1, rows}
                                 : decltype(product.left){left.data(), 0, depth, 1};
  product.right = right_transposed ? decltype(product.right){right.data(), 0, 1, depth}
                                   : decltype(product.right){right.data(), 0, columns, 1};
  product.output = output.data();

  const double operations = 2.0 * static_cast<double>(rows * depth * columns);
  const int repetitions = std::max(1, static_cast<int>(1e-2 / seconds_per_run(product, 1)));
  Measurement ours{fmt::format("({}{}, {}) ({}{}, {})", rows, left_transposed ? "t" : "", depth, depth,
                               right_transposed ? "t" : "", columns),
                   {},
                   {}};
  for (int pair = 0; pair < pairs; ++pair) {
    const double peak = fma_peak_flops();
    const double seconds = seconds_per_run(product, repetitions);
    ours.microseconds.push_back(seconds * 1e6);
    ours.times_limit.push_back(seconds * peak / operations);
  }
  fmt::print("{:4}{} x {:4}{}  -> {:4} columns  {:16} {:10.3f} us  {:7.1f} GFLOP/s  {:5.1f} % of peak\n",
             rows, left_transposed ? "t" : " ", depth, right_transposed ? "t" : " ", columns, role,
             median(ours.microseconds), 1e-3 * operations / median(ours.microseconds),
             100 / median(ours.times_limit));
  report.measurements.push_back(ours);
}

void measure_all(const Options& options, Report& report) {
  fmt::print("peak of one core: {:.1f} GFLOP/s (fused multiply-add, float)\n", 1e-9 * fma_peak_flops());
  for (const Shape& shape : shapes) measure(shape, options.pairs, report);
}

}  // namespace
}  // namespace elbow::bench

int main(int argc, char** argv) {
  using namespace elbow::bench;
  return run(argc, argv,
             {"matmul", "The matrix product against the FMA limit of one core", 9, {}, measure_all});
}
