// Jacobian and c_IMA of 12,000 validation samples of the Fig. 2 decoder (d = 3, H = 60, 4 linear layers) in forward mode, on
// one core, against the FMA limit measured in the same run.
//
//   bench_jacobian [--pairs N] [--vs torch]     with vmap(jacfwd) in the same run (bench/peers/jacobian.py, needs PyTorch)
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <string>
#include <vector>

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

void measure(Activation activation, int pairs, const std::map<std::string, Peer>& torch) {
  const Jacobians jacobians(activation);
  jacobians.run();
  std::vector<double> milliseconds, ratios;
  for (int pair = 0; pair < pairs; ++pair) {
    const double peak = fma_peak_flops();
    const double start = thread_seconds();
    jacobians.run();
    const double seconds = thread_seconds() - start;
    milliseconds.push_back(seconds * 1e3);
    ratios.push_back(seconds * peak / jacobians.flop());
  }
  const auto [least, most] = std::minmax_element(ratios.begin(), ratios.end());
  fmt::print("{:20} {:8.2f} ms {:8.2f} times the limit of {:.2f} GFLOP ({:.2f} to {:.2f})", name(activation),
             median(milliseconds), median(ratios), jacobians.flop() * 1e-9, *least, *most);
  const auto found = torch.find(std::string(name(activation)));
  if (found != torch.end()) {
    const auto& [theirs, way] = found->second;
    fmt::print("  torch {} {:.2f} ms, {:.1f} times as long", way, theirs, theirs / median(milliseconds));
  }
  fmt::print("\n");
}

}  // namespace
}  // namespace elbow::bench

int main(int argc, char** argv) {
  CLI::App app("Jacobian and c_IMA of 12,000 samples against the FMA limit of one core");
  int pairs = 15;
  app.add_option("--pairs", pairs, "times that work and limit are measured")->capture_default_str();
  std::string peer;
  app.add_option("--vs", peer, "a peer to compare with")->check(CLI::IsMember({"torch"}));
  CLI11_PARSE(app, argc, argv);
  std::map<std::string, elbow::bench::Peer> torch;
  if (!peer.empty()) {
    torch = elbow::bench::ask_torch();
    if (torch.empty()) return 2;
  }
  for (const auto activation :
       {elbow::Activation::leaky_relu, elbow::Activation::smooth_leaky_relu, elbow::Activation::gelu}) {
    elbow::bench::measure(activation, pairs, torch);
  }
  return 0;
}
