// One training step of a VAE (mini-batch, noise, forward, ELBO, backward, Adam) on one core, by one kernel and on the tape,
// against the FMA limit measured in the same run.
//
//   bench_step [--pairs N]
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <vector>

#include "bench/allocations.h"
#include "bench/cpu_clock.h"
#include "bench/fma_peak.h"
#include "bench/median.h"
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
    {"Fig. 2", 3, 4, 60, Activation::leaky_relu, 64}, {"Fig. 2", 3, 4, 60, Activation::smooth_leaky_relu, 64},
    {"Fig. 2", 3, 4, 60, Activation::gelu, 64},       {"Moebius", 3, 2, 30, Activation::leaky_relu, 64},
    {"Moebius", 3, 2, 30, Activation::gelu, 64},      {"wide", 10, 4, 256, Activation::leaky_relu, 256},
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

void measure(const Workload& w, int pairs) {
  Steps fused(w, Trainer::fused), tape(w, Trainer::autograd);
  fused.seconds();
  const std::size_t before = allocated_bytes();
  fused.seconds();
  const std::size_t allocated = allocated_bytes() - before;
  std::vector<double> ours, on_tape, limits, ratios;
  for (int pair = 0; pair < pairs; ++pair) {
    limits.push_back(fused.flop() / fma_peak_flops());
    ours.push_back(fused.seconds());
    on_tape.push_back(tape.seconds());
    ratios.push_back(ours.back() / limits.back());
  }
  const auto [least, most] = std::minmax_element(ratios.begin(), ratios.end());
  fmt::print("{:8} {:18} {:9.2f} {:9.2f} {:8.2f} {:6.2f} to {:5.2f} {:9.2f} {:10}\n", w.name,
             name(w.activation), median(ours) * 1e6, median(limits) * 1e6, median(ratios), *least, *most,
             median(on_tape) * 1e6, allocated);
}

}  // namespace
}  // namespace elbow::bench

int main(int argc, char** argv) {
  CLI::App app("Training steps against the FMA limit of one core");
  int pairs = 9;
  app.add_option("--pairs", pairs, "times that work and limit are measured")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  fmt::print("{:8} {:18} {:>9} {:>9} {:>8} {:>15} {:>9} {:>10}\n", "model", "activation", "us/step", "limit",
             "x limit", "(spread)", "tape us", "B/epoch");
  for (const auto& workload : elbow::bench::workloads) elbow::bench::measure(workload, pairs);
}
