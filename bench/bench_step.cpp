// One training step of a VAE (mini-batch, noise, forward, ELBO, backward, Adam) on one core, by one kernel and on the tape,
// against the FMA limit measured in the same run.
//
//   bench_step [--pairs N] [--vs torch,jax] [--json FOLDER]
#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "bench/allocations.h"
#include "bench/benchmark.h"
#include "bench/fma_peak.h"
#include "bench/median.h"
#include "bench/peer.h"
#include "bench/steps.h"

namespace elbow::bench {
namespace {

struct NamedWorkload {
  const char* name;
  Workload shape;
};
constexpr NamedWorkload workloads[] = {
    {"Fig.2", {3, 4, 60, Activation::leaky_relu, 64}},
    {"Fig.2", {3, 4, 60, Activation::smooth_leaky_relu, 64}},
    {"Fig.2", {3, 4, 60, Activation::gelu, 64}},
    {"Moebius", {3, 2, 30, Activation::leaky_relu, 64}},
    {"Moebius", {3, 2, 30, Activation::gelu, 64}},
    {"wide", {10, 4, 256, Activation::leaky_relu, 256}},
};
std::string title(const NamedWorkload& w) { return fmt::format("{} {}", w.name, name(w.shape.activation)); }

/// Fused and on the tape, each beside the limit.
void measure(const NamedWorkload& w, int pairs, Report& report) {
  Steps fused(w.shape, Trainer::fused), tape(w.shape, Trainer::autograd);
  fused.seconds();
  const std::size_t before = allocated_bytes();
  fused.seconds();
  const std::size_t allocated = allocated_bytes() - before;
  Measurement ours{title(w), {}, {}}, on_tape{title(w) + ", on the tape", {}, {}};
  const auto record = [&](Measurement& m, double seconds, double limit) {
    m.microseconds.push_back(seconds * 1e6);
    m.times_limit.push_back(seconds / limit);
  };
  for (int pair = 0; pair < pairs; ++pair) {
    const double limit = fused.flop() / fma_peak_flops();
    record(ours, fused.seconds(), limit);
    record(on_tape, tape.seconds(), limit);
  }
  const auto [least, most] = std::minmax_element(ours.times_limit.begin(), ours.times_limit.end());
  fmt::print("{:26} {:9.2f} {:7.2f} {:6.2f} to {:5.2f} {:11.2f} {:9}\n", ours.name, median(ours.microseconds),
             median(ours.times_limit), *least, *most, median(on_tape.microseconds), allocated);
  report.measurements.push_back(ours);
  report.measurements.push_back(on_tape);
}

/// Asks bench/peers/step.py, and prints each way with what it takes in units of our time.
void compare_with(const std::string& peer, Report& report) {
  const auto lines = ask_peer("step.py " + peer);
  for (const auto& words : lines) {
    const std::string of = words.at(0) + " " + words.at(1);
    const double theirs = std::stod(words.at(4));
    const auto ours = std::find_if(report.measurements.begin(), report.measurements.end(),
                                   [&](const Measurement& m) { return m.name == of; });
    if (ours == report.measurements.end()) continue;
    report.peers.push_back({of, words.at(2) + " " + words.at(3), theirs});
    fmt::print("{:26} {:24} {:9.2f} us, {:6.1f} times as long\n", of, report.peers.back().peer, theirs,
               theirs / median(ours->microseconds));
  }
}

void measure_all(const Options& options, Report& report) {
  fmt::print("{:26} {:>9} {:>7} {:>15} {:>11} {:>9}\n", "", "us/step", "x limit", "(spread)", "tape us",
             "B/epoch");
  for (const NamedWorkload& workload : workloads) measure(workload, options.pairs, report);
  for (const std::string& peer : options.peers) compare_with(peer, report);
}

}  // namespace
}  // namespace elbow::bench

int main(int argc, char** argv) {
  using namespace elbow::bench;
  return run(argc, argv,
             {"step", "Training steps against the FMA limit of one core", 9, {"torch", "jax"}, measure_all});
}
