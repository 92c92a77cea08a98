// Jacobian and c_IMA of 12,000 validation samples of the Fig. 2 decoder (d = 3, H = 60, 4 linear layers) in forward mode, on
// one core, against the FMA limit measured in the same run.
//
//   bench_jacobian [--pairs N] [--vs torch] [--json FOLDER]     torch: vmap(jacfwd), by bench/peers/jacobian.py
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "bench/benchmark.h"
#include "bench/cpu_clock.h"
#include "bench/fma_peak.h"
#include "bench/median.h"
#include "bench/peer.h"
#include "engine/dataset.h"
#include "models/vae.h"

namespace elbow::bench {
namespace {

constexpr Index samples = 12000;
constexpr Index rows_at_once = 250;  // value and tangents of a layer stay in the second-level cache

class Jacobians {
 public:
  explicit Jacobians(Activation activation)
      : vae_(config(activation)),
        parameters_(vae_.initial_parameters(1, DType::float32)),
        latents_(normal({1, Stream::sources}, samples, vae_.config().latent_dim, DType::float32)) {}

  void run() const {
    const NoGradient off;
    for (Index first = 0; first < samples; first += rows_at_once) {
      c_ima(vae_.decode(parameters_, seeded(Variable(rows(latents_, first, rows_at_once)))).tangents);
    }
  }

  /// A product for the value and one for each tangent, per weight and sample.
  double flop() const {
    const auto d = static_cast<double>(vae_.config().latent_dim),
               hidden = static_cast<double>(vae_.config().hidden);
    return 2 * static_cast<double>(samples) * (1 + d) * (2 * d * hidden + 2 * hidden * hidden);
  }

 private:
  static VaeConfig config(Activation activation) {
    VaeConfig config;
    config.activation = activation;
    return config;
  }

  Vae vae_;
  Parameters parameters_;
  Tensor latents_;
};

struct Peer {
  double milliseconds;
  std::string way;  ///< the best of those that the peer tried
};

/// What PyTorch takes for each activation; empty if it cannot be asked.
std::map<std::string, Peer> ask_torch() {
  std::map<std::string, Peer> result;
  for (const auto& words : ask_peer("jacobian.py"))
    result[words.at(0)] = {std::stod(words.at(1)), words.at(2)};
  return result;
}

void measure(Activation activation, int pairs, const std::map<std::string, Peer>& torch, Report& report) {
  const Jacobians jacobians(activation);
  jacobians.run();
  Measurement ours{std::string(name(activation)), {}, {}};
  for (int pair = 0; pair < pairs; ++pair) {
    const double peak = fma_peak_flops();
    const double start = thread_seconds();
    jacobians.run();
    const double seconds = thread_seconds() - start;
    ours.microseconds.push_back(seconds * 1e6);
    ours.times_limit.push_back(seconds * peak / jacobians.flop());
  }
  const double milliseconds = median(ours.microseconds) * 1e-3;
  const auto [least, most] = std::minmax_element(ours.times_limit.begin(), ours.times_limit.end());
  fmt::print("{:20} {:8.2f} ms {:8.2f} times the limit of {:.2f} GFLOP ({:.2f} to {:.2f})", ours.name,
             milliseconds, median(ours.times_limit), jacobians.flop() * 1e-9, *least, *most);
  report.measurements.push_back(ours);
  const auto found = torch.find(ours.name);
  if (found != torch.end()) {
    const auto& [theirs, way] = found->second;
    fmt::print("  torch {} {:.2f} ms, {:.1f} times as long", way, theirs, theirs / milliseconds);
    report.peers.push_back({ours.name, "torch " + way, theirs * 1e3});
  }
  fmt::print("\n");
}

void measure_all(const Options& options, Report& report) {
  const auto torch = asks(options, "torch") ? ask_torch() : std::map<std::string, Peer>();
  for (const auto activation : {Activation::leaky_relu, Activation::smooth_leaky_relu, Activation::gelu}) {
    measure(activation, options.pairs, torch, report);
  }
}

}  // namespace
}  // namespace elbow::bench

int main(int argc, char** argv) {
  using namespace elbow::bench;
  return run(argc, argv,
             {"jacobian",
              "Jacobian and c_IMA of 12,000 samples against the FMA limit of one core",
              15,
              {"torch"},
              measure_all});
}
