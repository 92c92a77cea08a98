// One training step of a VAE (mini-batch, noise, forward, ELBO, backward, Adam) on one core, by one kernel and on the tape,
// against the FMA limit measured in the same run.
//
//   bench_step [--pairs N] [--vs torch,jax] [--json FILE]
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <vector>

#include "bench/allocations.h"
#include "bench/cpu_clock.h"
#include "bench/fma_peak.h"
#include "bench/median.h"
#include "bench/peer.h"
#include "bench/report.h"
#include "models/vae_training.h"

namespace elbow::bench {
namespace {

constexpr Index samples = 60000;  // 42,000 to train

struct Workload {
  const char* name;
  Index dim;
  Index layers;
  Index hidden;
  Activation activation;
  Index batch;
};
constexpr Workload workloads[] = {
    {"Fig.2", 3, 4, 60, Activation::leaky_relu, 64}, {"Fig.2", 3, 4, 60, Activation::smooth_leaky_relu, 64},
    {"Fig.2", 3, 4, 60, Activation::gelu, 64},       {"Moebius", 3, 2, 30, Activation::leaky_relu, 64},
    {"Moebius", 3, 2, 30, Activation::gelu, 64},     {"wide", 10, 4, 256, Activation::leaky_relu, 256},
};

/// A training that never validates, on standard normal data: what a step costs does not depend on the values.
class Steps {
 public:
  Steps(const Workload& w, Trainer trainer) : training_(vae(w), config(w, trainer), data(w)) {}

  /// An epoch; returns seconds per step.
  double seconds() {
    const Index before = training_.steps();
    const double start = thread_seconds();
    training_.run_epoch();
    return (thread_seconds() - start) / static_cast<double>(training_.steps() - before);
  }

  /// Useful floating-point operations of a step: three products per weight and sample, but no gradient for the input.
  double flop() const {
    const VaeConfig& config = training_.vae().config();
    double weights = 0;
    for (int i = 0; i < training_.layout().size(); ++i) {
      const Shape& shape = training_.layout().shape(i);
      if (shape.rank() == 2) weights += static_cast<double>(shape.count());
    }
    const auto first = static_cast<double>(config.observation_dim * config.hidden);
    return 2 * static_cast<double>(training_.config().batch) * (3 * weights - first);
  }

 private:
  static Vae vae(const Workload& w) {
    VaeConfig config;
    config.observation_dim = config.latent_dim = w.dim;
    config.layers = w.layers;
    config.hidden = w.hidden;
    config.activation = w.activation;
    return Vae(config);
  }
  static VaeTrainingConfig config(const Workload& w, Trainer trainer) {
    VaeTrainingConfig config;
    config.batch = w.batch;
    config.trainer = trainer;
    config.epochs = config.validation_every = 1000000;
    return config;
  }
  static Split data(const Workload& w) {
    return split(normal({1, Stream::sources}, samples, w.dim, DType::float32));
  }

  VaeTraining training_;
};

std::string title(const Workload& w) { return fmt::format("{} {}", w.name, name(w.activation)); }

/// Fused and on the tape, each beside the limit.
void measure(const Workload& w, int pairs, Report& report) {
  Steps fused(w, Trainer::fused), tape(w, Trainer::autograd);
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
bool compare_with(const std::string& peer, Report& report) {
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
  return !lines.empty();
}

}  // namespace
}  // namespace elbow::bench

int main(int argc, char** argv) {
  using namespace elbow::bench;
  CLI::App app("Training steps against the FMA limit of one core");
  int pairs = 9;
  app.add_option("--pairs", pairs, "times that work and limit are measured")->capture_default_str();
  std::vector<std::string> peers;
  app.add_option("--vs", peers, "peers to compare with")
      ->delimiter(',')
      ->check(CLI::IsMember({"torch", "jax"}));
  std::string file;
  app.add_option("--json", file, "keep what was measured, for bench_compare");
  CLI11_PARSE(app, argc, argv);
  Report report{"step", {}, {}};
  fmt::print("{:26} {:>9} {:>7} {:>15} {:>11} {:>9}\n", "", "us/step", "x limit", "(spread)", "tape us",
             "B/epoch");
  for (const Workload& workload : workloads) measure(workload, pairs, report);
  bool all_answered = true;
  for (const std::string& peer : peers) all_answered = compare_with(peer, report) && all_answered;
  try {
    if (!file.empty()) write_report(file, report);
  } catch (const elbow::Error& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return error.exit_code();
  }
  return all_answered ? 0 : 2;
}
