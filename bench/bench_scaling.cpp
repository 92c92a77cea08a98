// How time grows with what there is to do: a sweep with the number of its runs and of its workers, a training step with width,
// batch and dimension, beside the FMA limit measured in the same run; so that it can be seen where the design stops being good.
//
//   bench_scaling [--pairs N] [--json FOLDER]     the folder gets the figure too
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "bench/benchmark.h"
#include "bench/fma_peak.h"
#include "bench/median.h"
#include "bench/steps.h"
#include "experiments/figure.h"
#include "experiments/machine.h"

namespace elbow::bench {
namespace {

constexpr Workload figure2{3, 4, 60, Activation::leaky_relu, 64};

/// A curve of the figure.
struct Curve {
  std::vector<double> x, y;
};

/// Microseconds per step of one panel.
struct StepPanel {
  const char* axis;
  Index Workload::*varied;
  std::vector<Index> values;
};

/// Fused, on the tape, and the limit, for each value.
Panel measure(const StepPanel& panel, int pairs, Report& report) {
  Curve fused_curve, tape_curve, limit_curve;
  for (const Index value : panel.values) {
    Workload workload = figure2;
    workload.*panel.varied = value;
    Steps fused(workload, Trainer::fused), tape(workload, Trainer::autograd);
    fused.seconds();
    Measurement ours{fmt::format("{} {}", panel.axis, value), {}, {}};
    std::vector<double> on_tape, limits;
    for (int pair = 0; pair < pairs; ++pair) {
      limits.push_back(fused.flop() / fma_peak_flops() * 1e6);
      ours.microseconds.push_back(fused.seconds() * 1e6);
      ours.times_limit.push_back(ours.microseconds.back() / limits.back());
      on_tape.push_back(tape.seconds() * 1e6);
    }
    const auto add = [&](Curve& curve, const std::vector<double>& microseconds) {
      curve.x.push_back(static_cast<double>(value));
      curve.y.push_back(median(microseconds));
    };
    add(fused_curve, ours.microseconds);
    add(tape_curve, on_tape);
    add(limit_curve, limits);
    fmt::print("{:22} {:9.2f} us {:6.2f} times the limit, on the tape {:9.2f} us\n", ours.name,
               median(ours.microseconds), median(ours.times_limit), median(on_tape));
    std::fflush(stdout);
    report.measurements.push_back(ours);
  }
  return {"a step",
          panel.axis,
          "µs",
          true,
          true,
          {{"fused trainer", Kind::line_points, Role::ours, fused_curve.x, fused_curve.y},
           {"on the tape", Kind::line_points, Role::second, tape_curve.x, tape_curve.y},
           {"limit of multiply-adds", Kind::line, Role::theory, limit_curve.x, limit_curve.y}}};
}

struct SweepTime {
  double seconds;  ///< of the wall's clock
  double flop;
};

/// `runs` trainings of one epoch each, a worker taking the next one when it is done with its own.
SweepTime sweep(Index runs, int workers) {
  std::atomic<Index> next = 0;
  std::atomic<double> flop = 0;
  const auto start = std::chrono::steady_clock::now();
  {
    std::vector<std::jthread> threads;
    for (int worker = 0; worker < workers; ++worker) {
      threads.emplace_back([&] {
        while (next++ < runs) {
          Steps steps(figure2, Trainer::fused);
          flop += steps.epoch() * steps.flop();
        }
      });
    }
  }
  return {std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(), flop};
}

Panel measure_sweeps(int pairs, Report& report) {
  const int workers = available_threads();
  constexpr Index most_for_one = 100;
  Curve one_curve, all_curve, limit_curve;
  for (const Index runs : {1, 2, 5, 10, 30, 100, 300, 1000}) {
    Measurement ours{fmt::format("{} runs, {} workers", runs, workers), {}, {}};
    std::vector<double> one, limits, gains;
    for (int pair = 0; pair < pairs; ++pair) {
      const double peak = fma_peak_flops() * workers;
      const SweepTime all = sweep(runs, workers);
      limits.push_back(all.flop / peak);
      ours.microseconds.push_back(all.seconds * 1e6);
      ours.times_limit.push_back(all.seconds / limits.back());
      if (runs > most_for_one) continue;
      one.push_back(sweep(runs, 1).seconds);
      gains.push_back(one.back() / all.seconds);
    }
    const auto add = [&](Curve& curve, double seconds) {
      curve.x.push_back(static_cast<double>(runs));
      curve.y.push_back(seconds);
    };
    add(all_curve, median(ours.microseconds) * 1e-6);
    add(limit_curve, median(limits));
    fmt::print("{:22} {:9.3f} s  {:6.2f} times the limit", ours.name, all_curve.y.back(),
               median(ours.times_limit));
    if (!one.empty()) {
      add(one_curve, median(one));
      fmt::print(", {:.2f} times one worker", median(gains));
    }
    fmt::print("\n");
    std::fflush(stdout);
    report.measurements.push_back(ours);
  }
  return {"trainings of one epoch",
          "runs",
          "s",
          true,
          true,
          {{fmt::format("{} workers", workers), Kind::line_points, Role::third, all_curve.x, all_curve.y},
           {"one worker", Kind::line_points, Role::fourth, one_curve.x, one_curve.y},
           {"limit of multiply-adds", Kind::line, Role::theory, limit_curve.x, limit_curve.y}}};
}

void measure_all(const Options& options, Report& report) {
  Figure figure{"Fig. 2's model (d = 3, width 60, 4 layers, batch 64), one of its numbers varied", {}};
  figure.panels.push_back(measure_sweeps(options.pairs, report));
  for (const StepPanel& panel : {StepPanel{"width", &Workload::hidden, {10, 20, 30, 60, 90, 120, 180, 256}},
                                 StepPanel{"batch", &Workload::batch, {16, 32, 64, 128, 256, 512, 1024}},
                                 StepPanel{"dimension", &Workload::dim, {2, 3, 5, 8, 16, 32}}}) {
    figure.panels.push_back(measure(panel, options.pairs, report));
  }
  if (!options.folder.empty()) write(figure, options.folder, "scaling");
}

}  // namespace
}  // namespace elbow::bench

int main(int argc, char** argv) {
  using namespace elbow::bench;
  return run(argc, argv,
             {"scaling",
              "Time against runs, workers, width, batch and dimension, and the limit",
              7,
              {},
              measure_all});
}
